"""Every test that docs/reliability.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tests_that_the_page_names_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    names = {name for file in files for name in re.findall(r"def test_(\w+)", file.read_text(encoding="utf-8"))}
    columns = [cell for line in page.splitlines() if line.startswith("|") for cell in line.split("|")[2:]]
    named = {name for cell in columns for name in re.findall(r"`([a-z]+(?:_[a-z0-9_]+)+)…?`", cell)}
    switches = {"no_listener", "queue_full", "plugin_error"}
    assert len(named) > 100
    assert sorted(name for name in named - names - switches if not any(n.startswith(name) for n in names)) == []
