"""A compiled module older than its source is found, whichever way the source changed."""

from __future__ import annotations

import os
import re
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from pywall_core import stale
from pywall_core.cli import main
from pywall_core.stale import INSTALLATION_SECONDS, stale_modules

SUFFIX = EXTENSION_SUFFIXES[0]


@pytest.fixture(autouse=True)
def _compiled_modules_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYWALL_PURE", raising=False)


def write(folder: Path, name: str, time: float) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time, time))
    return path


def test_only_a_module_with_a_newer_source_is_stale(tmp_path: Path) -> None:
    write(tmp_path, "kept.py", 100)
    write(tmp_path, f"kept{SUFFIX}", 100)
    write(tmp_path, "rooms/edited.py", 101)
    edited = write(tmp_path, f"rooms/edited{SUFFIX}", 100)
    assert stale_modules([tmp_path]) == [edited]


def test_a_module_without_its_source_is_stale(tmp_path: Path) -> None:
    moved = write(tmp_path, f"moved{SUFFIX}", 100)
    assert stale_modules([tmp_path]) == [moved]


def test_what_this_python_does_not_import_is_not_stale(tmp_path: Path) -> None:
    write(tmp_path, "other.py", 101)
    write(tmp_path, "other.cpython-27-x86_64-linux-gnu.so", 100)
    write(tmp_path, f"0123abcd__mypyc{SUFFIX}", 100)
    assert stale_modules([tmp_path]) == []


def test_an_installer_writes_in_any_order(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "package"
    write(package, "installed.py", 100 + INSTALLATION_SECONDS)
    write(package, f"installed{SUFFIX}", 100)
    write(package, "edited.py", 101 + INSTALLATION_SECONDS)
    edited = write(package, f"edited{SUFFIX}", 100)
    assert stale_modules([package]) == [edited]


def test_sources_that_run_are_never_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, f"moved{SUFFIX}", 100)
    monkeypatch.setenv("PYWALL_PURE", "1")
    assert stale_modules([tmp_path]) == []


def test_the_core_and_the_plugins_are_looked_at() -> None:
    names = {folder.name for folder in stale._our_packages()}
    assert {"pywall_core", "pywall_rules", "pywall_stream", "pywall_protocols"} <= names


def test_pywall_says_it_once_and_doctor_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, f"moved{SUFFIX}", 100)
    monkeypatch.setattr(stale, "_our_packages", lambda: iter([tmp_path]))
    assert main(["rules"]) == 0
    warned = capsys.readouterr().err
    assert warned.count("older than") == 1
    assert f"moved{SUFFIX}" in warned
    assert "make compiled" in warned
    assert main(["doctor"]) == 1
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("compiled modules"))
    assert re.search(r"PROBLEM +1 older than their sources", row)
