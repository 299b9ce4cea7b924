"""Every file that the guides for newcomers name is there, and so is every function that they name beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "docs/explanation/design.md")
_PATH = re.compile(r"`((?:pywall_core|plugins|tests|docs|examples|scripts|packaging)/[\w./-]+)(?: [^`]*)?`")
#: where a newcomer is sent for the questions that are asked first
ANSWERS = {
    "pywall_core/daemon/reload.py": ("def advance", "read_policy"),
    "pywall_core/kernel/queues.py": ("ENOBUFS",),
    "pywall_core/engine/offload.py": ("def directions",),
    "plugins/protocols/src/pywall_protocols/parsing/client_hello.py": ("def facts", '"sni"'),
    "pywall_core/config/rules.py": ("def action",),
}


def paths(page: str) -> list[str]:
    """Return the paths that a page names in code quotes."""
    return _PATH.findall((ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_named_file_is_there(page: str) -> None:
    named = paths(page)
    assert len(named) >= 20
    missing = sorted({path for path in named if not (ROOT / path).exists()})
    assert not missing, f"{page} names files that do not exist: {', '.join(missing)}"


def test_every_file_in_the_drawing_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = text.split("```text\n", 1)[1].split("```", 1)[0]
    room = ""
    seen = set()
    for line in drawing.splitlines()[1:]:
        for word in re.findall(r"[\w/]+(?:/|\.py)", line):
            if word.endswith("/"):
                room = word
                seen.add(room)
            assert (ROOT / "pywall_core" / (word if word == room else room + word)).exists(), f"{room} {word}"
    rooms = {f"{path.parent.name}/" for path in (ROOT / "pywall_core").glob("*/__init__.py")}
    assert rooms - seen <= {"testing/", "demo/", "scaffold/", "policies/"}, "a room is missing in the drawing"


@pytest.mark.parametrize("path", ANSWERS)
def test_the_first_questions_have_their_answers(path: str) -> None:
    assert path in paths("CONTRIBUTING.md")
    text = (ROOT / path).read_text(encoding="utf-8")
    assert all(wanted in text for wanted in ANSWERS[path])
