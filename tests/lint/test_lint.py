"""What `pywall check` finds suspicious about policies without errors: all of it together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pywall_core.config import policies

from .conftest import findings


def test_a_missing_version(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("mode: observe\n")
    assert [code for _, code, _ in findings(str(file))] == ["W004"]


def test_every_code_has_its_line_in_the_manual() -> None:
    root = Path(__file__).parents[2]
    sources = [*root.glob("pywall_core/**/*.py"), *root.glob("plugins/*/src/**/*.py")]
    used = {code for source in sources for code in re.findall(r'"(W\d{3})"', source.read_text())}
    manual = (root / "docs/reference/warnings.md").read_text()
    assert used == set(re.findall(r"^\| `(W\d{3})` \|", manual, re.MULTILINE))


@pytest.mark.parametrize("name", sorted(policies()))
def test_ready_made_policies_give_no_warning(name: str) -> None:
    assert findings(f"policy:{name}") == []
