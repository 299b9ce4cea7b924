"""``pywall why`` over events, as a firewall or a replay has written them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main
from pywall_core.config import loads
from pywall_core.testing import conversation
from pywall_core.testing.memory import engine

POLICY = "version: 1\nplugins: [rules]\nchains: {INPUT: [{rule: port, dst: 4433, action: DROP, comment: not here}]}\n"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """The events of a flow that was dropped and of one that passed."""
    lab = engine(POLICY)
    for port in (4433, 4434):
        talk = conversation("udp", server=("198.51.100.2", port)).client(random.Random(3).randbytes(90))
        lab.send(talk.packets())
    lab.close()
    path = tmp_path / "eve.json"
    path.write_text("\n".join(json.dumps(event) for event in lab.events) + "\n")
    return path


def number(events: Path, port: int) -> str:
    flows = [json.loads(line) for line in events.read_text().splitlines()]
    return str(next(e["flow_id"] for e in flows if e["event_type"] == "flow" and e["dest_port"] == port))


def test_it_says_what_was_decided_and_the_line_that_lets_it_pass(events: Path, capsys: Any) -> None:
    assert main(["why", number(events, 4433), str(events)]) == 0
    out = capsys.readouterr().out
    assert "drop, decided by INPUT[0]: not here" in out
    rule = next(line.strip() for line in out.splitlines() if line.strip().startswith("- {rule: flow"))
    before, after = POLICY.split("INPUT: [")
    lab = engine(before + "INPUT: [" + rule.removeprefix("- ") + ", " + after)
    verdicts = lab.send(conversation("udp", server=("198.51.100.2", 4433)).client(b"x" * 90).packets())
    assert {verdict.action.value for verdict in verdicts} == {"accept"}


def test_a_flow_that_passed_needs_no_way_back(events: Path, capsys: Any) -> None:
    assert main(["why", number(events, 4434), str(events), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["action"], found["way_back"]) == ("accept", [])


def test_what_is_not_known_is_said(events: Path, capsys: Any) -> None:
    assert main(["why", "12", str(events)]) == 1
    assert "no event of flow 12" in capsys.readouterr().err
    assert main(["why", number(events, 4433)[:-1], str(events)]) == 1
    assert main(["why", "twelve"]) == 2
    assert main(["why", "12", "/nowhere"]) == 1


def test_the_rules_it_offers_are_valid() -> None:
    from pywall_core.cli.why import way_back

    found = {"dest_ip": "2001:db8::1", "dest_port": 443, "app_proto": "zoom"}
    for rule in way_back(found, named=True):
        text = f"version: 1\nplugins: [rules]\nchains:\n  INPUT:\n    {rule}\n"
        assert loads(text.encode(), "x.yaml").problems == []
