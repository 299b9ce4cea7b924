"""The how-to guides: their files are written and their commands run, in order, where only wheels are installed."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(
    r"^(?P<in> *)<!-- file: (?P<file>\S+) -->\n *```\w+\n(?P<text>.*?)^ *```$|^ *```console\n(?P<shell>.*?)^ *```$",
    re.DOTALL | re.MULTILINE,
)
PAGES = [page for page in sorted(FOLDER.glob("*.md")) if "<!-- file:" in page.read_text()]


def steps(page: Path) -> list[tuple[str, str]]:
    """(file name, text) or ("$", command)."""
    found: list[tuple[str, str]] = []
    for match in BLOCK.finditer(page.read_text()):
        if match["file"]:
            found.append((match["file"], textwrap.dedent(match["text"])))
        else:
            lines = [line.strip() for line in match["shell"].splitlines()]
            found += [("$", line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    return found


@pytest.fixture
def shell(environment: Any, tmp_path: Path) -> dict[str, str]:
    """Environment variables under which pip takes what is built here, offline, and pytest is the environment's."""
    commands = tmp_path / "bin"
    commands.mkdir()
    pip = f"{sys.executable} -m pip -q --disable-pip-version-check --python {environment.python}"
    for name, line in (
        ("pip", f'shift; exec {pip} install --no-deps --no-build-isolation "$@"'),
        ("pytest", f'exec {environment.python} -m pytest -q -p no:cacheprovider "$@"'),
    ):
        (commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (commands / name).chmod(stat.S_IRWXU)
    path = f"{commands}:{environment.folder / 'bin'}:{os.environ['PATH']}"
    return {**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "PATH": path}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_guide(page: Path, environment: Any, shell: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "work"
    place.mkdir()
    for what, text in steps(page):
        if what != "$":
            (place / what).parent.mkdir(parents=True, exist_ok=True)
            (place / what).write_text(text)
        elif text.startswith("cd "):
            place /= text.removeprefix("cd ")
        else:
            done = subprocess.run(
                ["bash", "-ec", text], cwd=place, env=shell, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            if text == "pytest":
                assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE), done.stdout
            if text.startswith("PYWALL_PLUGINS_TRACE"):
                assert "pywall_event" in done.stderr
                assert "pywall_tick" in done.stderr
    if (pyproject := place / "pyproject.toml").exists():
        (name,) = re.findall(r'^name = "(.+)"$', pyproject.read_text(), re.MULTILINE)
        environment.pip("uninstall", "-y", name)


def test_every_guide_with_commands_is_walked() -> None:
    assert {"rule-kind", "classifier", "cold-hooks", "subcommand", "options", "facts"} <= {page.stem for page in PAGES}
    for page in PAGES:
        assert any(what == "$" for what, _ in steps(page))
        assert len(re.findall(r"<!-- file:", page.read_text())) == sum(what != "$" for what, _ in steps(page))
