"""``pywall rules``: kinds with their parameters, and the manual of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pywall_rules.plugin import _load


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


def _broken() -> Any:
    raise RuntimeError("no database")


def test_a_broken_kind_is_named_and_the_others_are_listed(pywall, policy: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("pywall_rules.plugin._load", lambda place: _broken() if place == "geo:Geo" else _load(place))
    words = "plugin 'rules': rule kind 'geo': can't be loaded: RuntimeError: no database"
    code, out, err = pywall("rules", "--config", policy)
    assert code == 4
    assert [line.split()[0] for line in out.splitlines() if line.split()[:1] in (["asn"], ["geo"], ["port"])] == [
        "asn",
        "port",
    ]
    assert words in err
    code, out, err = pywall("rules", "--json", "--config", policy)
    assert code == 4
    assert json.loads(out)["geo"] == {"plugin": "rules", "error": words}
    assert json.loads(out)["asn"]["schema"]
    for command in (("rules", "geo"), ("check", "--schema")):
        code, out, err = pywall(*command, "--config", policy)
        assert (code, out) == (4, "")
        assert words in err
    assert pywall("check", policy).code == 0
    policy.write_text("plugins: [rules]\nchains: {INPUT: [{rule: geo, src: DE, database: x, action: DROP}]}\n")
    code, _, err = pywall("check", policy)
    assert code == 4
    assert words in err
