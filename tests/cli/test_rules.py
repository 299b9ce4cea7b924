"""``pywall rules``: kinds with their parameters, and the manual of one."""

from __future__ import annotations

import json
from pathlib import Path


def test_rules_lists_kinds_with_parameters(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("rules", "--config", policy)
    assert code == 0
    assert any(line.split()[:3] == ["port", "rules", "Matches"] for line in out.splitlines())
    manual = pywall("rules", "knock", "--config", policy).out
    assert "Knocks" in manual
    assert "window" in manual
    described = json.loads(pywall("rules", "--json", "--config", policy).out)
    assert described["fact"]["schema"]["properties"]["glob"]["description"]
    assert described["tcp-state"]["requires"] == ["tcp-state"]


def test_rules_names_the_nearest_kind(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("rules", "prot", "--config", policy)
    assert code == 3
    assert "did you mean 'port'" in err
