"""PYWALL_PURE=1: sources of ours before compiled modules, and packages of others as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

PROGRAM = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
import pywall_core
for name in ("pywall_fake.module", "stranger.module"):
    try:
        print(importlib.import_module(name).__file__.rpartition(".")[2])
    except ImportError as error:
        print(type(error).__name__)
"""


def test_only_our_packages_prefer_their_sources(tmp_path: Path) -> None:
    """The extension modules here are empty files, so whoever picks them fails."""
    for package in ("pywall_fake", "stranger"):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "module.py").touch()
        (folder / f"module{EXTENSION_SUFFIXES[0]}").touch()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={**os.environ, "PYWALL_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["py", "ImportError"]
