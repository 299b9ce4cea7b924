"""``pywall --help`` says what plugins' commands do, and imports none of them."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pywall_core.cli.command_purpose import purpose
from pywall_core.installed import entry_points

WRITTEN = '''raise RuntimeError("imported")
def command(parser):
    """Add it."""
    parser.description = (
        "List the hosts that sent most: "
        "by their flows. And more."
    )
'''


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def point(value: str) -> EntryPoint:
    return EntryPoint("talkers", value, "pywall.commands")


@pytest.mark.parametrize("file", ["pw_talkers.py", "pw_talkers/inner.py", "pw_talkers/inner/__init__.py"])
def test_the_description_begins_it(found: Path, file: str) -> None:
    path = found / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (found / "pw_talkers").mkdir(exist_ok=True) if file != "pw_talkers.py" else None
    if file != "pw_talkers.py":
        (found / "pw_talkers" / "__init__.py").write_text("")
    path.write_text(WRITTEN)
    module = "pw_talkers" if file == "pw_talkers.py" else "pw_talkers.inner"
    assert purpose(point(f"{module}:command")) == "list the hosts that sent most"
    assert module not in sys.modules


@pytest.mark.parametrize("text", ["def command(parser): pass\n", "def command(:\n", "x = 1\n", "\0"])
def test_without_one_it_is_the_entry_point(found: Path, text: str) -> None:
    (found / "pw_others.py").write_text(text)
    assert purpose(point("pw_others:command")) == "pw_others:command"
    assert purpose(point("pw_none.at.all:command")) == "pw_none.at.all:command"


def test_every_command_of_ours_says_what_it_does() -> None:
    for one in entry_points(group="pywall.commands"):
        if one.dist and one.dist.name.startswith("pywall-"):
            assert purpose(one) not in ("", one.dist.metadata["Summary"], one.value), one.name
