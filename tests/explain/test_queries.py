"""Inspector: flows as `pywall flows` lists them, and one flow as `pywall why` explains it."""

from __future__ import annotations

import pytest

from pywall_core.explain.queries import Inspector
from pywall_core.flows.filter import FilterError
from pywall_core.packet.decode import decode
from pywall_core.testing import udp_packet

from ..toy_engine import make, send


def test_flows_sorted_chosen_and_bounded() -> None:
    engine = make()
    for n, dport in enumerate((53, 80, 443)):
        send(engine, n + 1, bytes(2), dport)
        engine.process(decode(udp_packet("192.0.2.1", 1000, "192.0.2.2", dport, bytes(2 + n)), 2.0 + n))
    inspector = Inspector(engine)
    assert [f["dest_port"] for f in inspector.flows(5.0, 2, "recent")] == [443, 80]
    assert inspector.flows(5.0, 10, "bytes")[0]["dest_port"] == 443
    assert {f["dest_port"] for f in inspector.flows(5.0, 10, "", "dst port 1-100")} == {53, 80}
    assert inspector.flows(5.0, 0) == inspector.flows(5.0, -5) == []
    assert len(inspector.flows(5.0, 10**9, "no such order")) == 6
    with pytest.raises(FilterError, match="more than 100 words"):
        inspector.flows(5.0, 10, "", "(" * 2000)


def test_looking_at_a_flow_asks_no_rule_that_has_effects() -> None:
    engine = make()
    send(engine, 1)
    (flow,) = engine.flows
    seen, hits = engine.counters["seen"], [rule.hits for rule in engine.chains.rules["INPUT"]]
    shown = Inspector(engine).show(flow.id, 9.0)
    assert shown is not None
    there = shown["directions"][0]
    assert [step["answer"] for step in there["walk"]] == ["PENDING", "PENDING", "END"]
    assert (there["verdict"], there["final"]) == ("accept", False)
    assert shown["detectors_pending"] == ["toy"]
    assert (shown["age"], shown["idle"]) == (8.0, 8.0)
    assert engine.counters["seen"] == seen
    assert [rule.hits for rule in engine.chains.rules["INPUT"]] == hits
    assert Inspector(engine).show(1, 9.0) is None
