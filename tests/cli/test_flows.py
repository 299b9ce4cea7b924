"""``pywall flows`` shows the flows of all workers as one table, sorted and cut, and one flow with its walk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywall_core.cli.common import OK, USAGE
from pywall_core.explain.queries import Inspector
from pywall_core.testing import conversation, engine

RULE = {"rule": "port", "dst": 53, "action": "DROP", "comment": "no DNS"}


@pytest.fixture
def answered(firewall: Any) -> Any:
    """A firewall whose answers are those of an engine that has seen two flows."""
    lab = engine({"plugins": ["rules"], "chains": {"INPUT": [RULE]}})
    lab.send(conversation("udp", ("192.0.2.1", 4000), ("198.51.100.9", 53)).client(b"x" * 100))
    lab.send(conversation("udp", ("192.0.2.1", 4001), ("198.51.100.9", 443)).client(b"y"))
    inspector = Inspector(lab.engine)
    flows = inspector.flows(1_700_000_001.0, 100)
    firewall.answers["flows"] = {"ok": True, "flows": flows}
    firewall.answers["flow"] = {"ok": True, "flow": inspector.show(flows[0]["flow_id"], 1_700_000_001.0)}
    return firewall


def test_a_row_is_a_flow(pywall: Any, answered: Any) -> None:
    code, out, _ = pywall("flows")
    assert code == OK
    (dns,) = [line for line in out.splitlines() if "198.51.100.9:53" in line]
    assert "192.0.2.1:4000" in dns
    assert "drop" in dns
    assert "no DNS" in dns


def test_flows_of_all_workers_are_sorted_and_cut_once_more(pywall: Any, answered: Any) -> None:
    _, out, _ = pywall("flows", "--json", "--sort", "bytes", "--limit", "1")
    (flow,) = json.loads(out)["flows"]
    assert flow["dest_port"] == 53
    assert answered.requests == [{"command": "flows", "limit": 1, "sort": "bytes", "filter": ""}]


def test_one_flow_is_shown_with_its_walk(pywall: Any, answered: Any) -> None:
    code, out, _ = pywall("flows", "show", "7")
    assert code == OK
    assert answered.requests == [{"command": "flow", "flow_id": 7}]
    assert out.startswith("flow ")
    assert "no DNS" in out


def test_a_firewall_that_names_no_rules_of_a_walk_is_understood(pywall: Any, answered: Any) -> None:
    _, new, _ = pywall("flows", "show", "7")
    for way in answered.answers["flow"]["flow"]["directions"]:
        for step in way["walk"]:
            del step["name"]
    code, out, _ = pywall("flows", "show", "7")
    assert code == OK
    assert out == new.replace("INPUT[0] no DNS:", "INPUT[0]:") != new


@pytest.mark.parametrize("words", [("show",), ("show", "x"), ("hide", "7"), ("--filter", "port")])
def test_a_wrong_question_asks_nothing(pywall: Any, answered: Any, words: tuple[str, ...]) -> None:
    assert pywall("flows", *words).code == USAGE
    assert answered.requests == []
