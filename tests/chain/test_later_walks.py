"""A flow's later walks begin behind the rules that only addresses and ports answer, and come to the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pywall_core.api import ACCEPT, DROP, Packet, decode
from pywall_core.testing import engine, icmp_error, make_flow, tcp_packet

from .test_runs import chains, known, packets

POLICY = {
    "version": 1,
    "plugins": ["rules", "stream", "protocols"],
    "chains": {
        "INPUT": [{"rule": "port", "dst": 25, "action": "DROP"}, {"rule": "always", "action": "policy"}],
        "policy": [
            {"rule": "ip", "src": "192.0.2.0/24", "action": "DROP"},
            {"rule": "app", "is": "tls", "action": "DROP"},
            {"rule": "ip", "dst": "192.0.2.0/24", "action": "DROP"},
        ],
    },
}


@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck], phases=set(Phase) - {Phase.shrink})
@given(chains(), packets(), known(), known())
def test_a_second_walk_comes_to_what_a_first_one_would(
    configuration: dict[str, Any], packet: Packet, before: dict[str, Any], after: dict[str, Any]
) -> None:
    again, anew = engine(configuration).engine.chains, engine(configuration).engine.chains
    flow = make_flow(packet, **before)
    again.walk(packet, flow)
    flow.detection = make_flow(packet, **after).detection
    assert again.walk(packet, flow) == anew.walk(packet, make_flow(packet, **after))
    assert again.asked == anew.asked


def test_rules_on_addresses_and_ports_are_asked_once() -> None:
    made = engine(POLICY).engine.chains
    packet = decode(tcp_packet("10.0.0.1", 1000, "10.0.0.2", 80, seq=1), 1.0, 1)
    flow = make_flow(packet)
    for _ in range(3):
        assert made.walk(packet, flow).action is ACCEPT
    assert flow.cache.walk_from == {packet.hook << 1 | packet.to_server: ("policy", 1)}
    assert made.rules["INPUT"][1].hits == 1, "the jump was taken once"
    flow.detection.app_proto = "tls"
    assert made.walk(packet, flow).action is DROP


@pytest.mark.parametrize(
    "first",
    [
        {"rule": "iface", "in": "eth0", "action": "DROP"},
        {"rule": "tcp-state", "is": "CLOSED", "action": "DROP"},
        {"rule": "ip", "src": "@bad", "action": "DROP"},
        {"rule": "port", "dst": 80, "action": "DROP", "observe": True},
        {"rule": "flow", "initiator": "local", "action": "DROP"},
        {"any": [{"rule": "port", "dst": 25}, {"rule": "app", "is": "ssh"}], "action": "DROP"},
    ],
    ids=["interface", "packet", "set", "observe", "flow", "fact inside"],
)
def test_what_may_answer_otherwise_later_is_asked_each_time(first: dict[str, Any]) -> None:
    rules = [first, {"rule": "app", "is": "tls", "action": "DROP"}]
    policy = {**POLICY, "sets": {"bad": {"type": "addresses"}}, "chains": {"INPUT": rules}}
    packet = decode(tcp_packet("10.0.0.1", 1000, "10.0.0.2", 80, seq=1), 1.0, 1)
    flow = make_flow(packet)
    engine(policy).engine.chains.walk(packet, flow)
    assert flow.cache.walk_from is None or set(flow.cache.walk_from.values()) == {("INPUT", 0)}


def test_an_icmp_error_of_another_sender_does_not_begin_where_its_flow_does() -> None:
    made = engine(POLICY).engine.chains
    packet = decode(tcp_packet("10.0.0.1", 80, "10.0.0.2", 1000, seq=1), 1.0, 1)
    flow = make_flow(packet)
    assert made.walk(packet, flow).action is ACCEPT
    error = decode(icmp_error("192.0.2.7", tcp_packet("10.0.0.2", 1000, "10.0.0.1", 80, seq=1)), 1.1, 1)
    assert error.related
    assert error.key == packet.key
    error.to_server = packet.to_server
    assert made.walk(error, flow).action is DROP
