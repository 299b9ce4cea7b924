"""A flow for a test: as its first packet makes it, and with what the test says of it."""

from __future__ import annotations

import pytest

from pywall_core.api import UDP, decode
from pywall_core.testing import make_flow, udp_packet


def test_it_is_the_flow_of_its_packet() -> None:
    packet = decode(udp_packet("192.0.2.9", 5000, "192.0.2.53", 53, b"x"), 7.0, 1)
    flow = make_flow(packet)
    assert (flow.key, flow.sport, flow.dport, flow.start) == (packet.key, 5000, 53, 7.0)


@pytest.mark.parametrize("proto", [6, 17, 1, 132])
def test_without_a_packet_it_is_one_of_a_protocol(proto: int) -> None:
    flow = make_flow(proto=proto)
    assert flow.proto == proto
    assert flow.app_proto is None


def test_attributes_go_to_the_part_that_has_them() -> None:
    flow = make_flow(app_proto="ssh", midstream=True, detect_done=True, watched=True, facts={"ssh.a": 1})
    assert (flow.detection.app_proto, flow.detection.done, flow.tcp.midstream) == ("ssh", True, True)
    assert (flow.watched, flow.facts) == (True, {"ssh.a": 1})


def test_last_is_the_time_of_the_last_packet() -> None:
    flow = make_flow(last=11.0)
    assert flow.last == 11.0
    assert flow.verdict is None


def test_flows_share_nothing() -> None:
    one, other = make_flow(proto=UDP), make_flow(proto=UDP, client=b"hello")
    assert one.detection.client == b""
    assert one.detection is not other.detection
    other.expect("rtp", proto=UDP, dst=other.src, dport=4000)
    assert len(other.engine.expected) == 1
    assert len(one.engine.expected) == 0
