"""The man pages: one for pywall and one for each subcommand, as roff reads them."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from pywall_core.cli import COMMANDS

SCRIPT = Path(__file__).parents[2] / "scripts" / "manpages.py"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("manpages", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("man")
    module.main(folder)
    return folder


def test_every_command_has_a_page(pages: Path) -> None:
    wanted = {"pywall", *(f"pywall-{name}" for name in (*COMMANDS, "classify", "knock"))}
    assert wanted <= {page.stem for page in pages.iterdir()}


def test_options_and_nested_commands_are_told(pages: Path) -> None:
    assert r".B \-\-against FILE" in (pages / "pywall-replay.8").read_text()
    nested = (pages / "pywall-plugins.8").read_text()
    assert ".SH OPTIONS OF new" in nested
    assert r".BR pywall\-replay (8)" in (pages / "pywall.8").read_text()


def test_no_line_of_text_is_taken_for_a_request(pages: Path) -> None:
    requests = {".TH", ".SH", ".TP", ".B", ".BR", ".nf", ".fi", ".PP"}
    for page in pages.iterdir():
        assert {line.split()[0] for line in page.read_text().splitlines() if line[:1] in (".", "'")} <= requests


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_roff_has_nothing_to_say(pages: Path) -> None:
    for page in pages.iterdir():
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True, check=True)
        assert done.stderr == ""
