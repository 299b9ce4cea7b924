"""What the rules would say to a packet that has not come: addresses and facts tell, single packets do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, INPUT, OUTPUT, Action, Packet, decode
from pywall_core.chain.predict import BACK, OtherWay, next_packet
from pywall_core.testing import engine, make_flow, tcp_packet, udp_packet

A, B = "192.0.2.1", "198.51.100.2"
PORTS = st.integers(0, 65535)


def other_way(chains: dict[str, Any], *, observe: bool = False, **policy: Any) -> OtherWay:
    lab = engine({"plugins": ["rules", "stream"], "chains": chains, **policy})
    return OtherWay(lab.engine.chains, observe=observe)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), PORTS, PORTS)
def test_the_next_packet_has_the_ends_of_its_direction(src: Any, dst: Any, sport: int, dport: int) -> None:
    def ends(packet: Packet) -> tuple[Any, ...]:
        return packet.src, packet.sport, packet.dst, packet.dport, packet.proto, packet.version, packet.key

    there = decode(udp_packet(str(src), sport, str(dst), dport))
    back = decode(udp_packet(str(dst), dport, str(src), sport))
    flow = make_flow(there)
    assert ends(next_packet(flow, True, INPUT)) == ends(there)
    assert ends(next_packet(flow, False, OUTPUT)) == ends(back)


def test_it_has_every_attribute_of_a_packet() -> None:
    packet = next_packet(make_flow(), True, INPUT)
    assert [name for name in Packet.__slots__ if not hasattr(packet, name)] == []
    assert packet.payload == b""


@pytest.mark.parametrize(
    ("rule", "foreseeable"),
    [
        ({"rule": "port", "dst": 443, "action": "ACCEPT"}, True),
        ({"rule": "ip", "src": A, "action": "DROP"}, True),
        ({"rule": "port", "dst": 443, "action": "DROP", "observe": True}, False),
        ({"rule": "iface", "in": "eth0", "action": "DROP"}, False),
        ({"rule": "tcp-state", "is": "CLOSED", "action": "DROP"}, False),
        ({"rule": "log"}, False),
        ({"rule": "always", "action": "more"}, False),
    ],
)
def test_which_hooks_can_be_foreseen(rule: dict[str, Any], foreseeable: bool) -> None:
    more = [{"rule": "log"}]
    way = other_way({"INPUT": [rule], "more": more})
    assert (INPUT in way.foreseeable) is foreseeable
    assert OUTPUT in way.foreseeable, "it has no chain: the default holds"


def test_nothing_is_foreseen_where_all_is_only_observed() -> None:
    assert other_way({"INPUT": []}, observe=True).foreseeable == frozenset()


def test_chains_that_jump_round_are_looked_at_once() -> None:
    chain = [{"rule": "port", "dst": 1, "action": "a"}]
    way = other_way({"INPUT": chain, "a": [{"rule": "port", "dst": 2, "action": "DROP"}]})
    assert INPUT in way.foreseeable


@pytest.mark.parametrize(("to_server", "hook", "action"), [(True, INPUT, DROP), (False, OUTPUT, ACCEPT)])
def test_the_verdict_of_each_direction(to_server: bool, hook: int, action: Action) -> None:
    way = other_way(
        {
            "INPUT": [{"rule": "port", "dst": 443, "action": "DROP"}],
            "OUTPUT": [{"rule": "port", "src": 443, "action": "ACCEPT"}],
        },
        default="DROP",
    )
    verdict = way.verdict(make_flow(decode(tcp_packet(A, 1000, B, 443, seq=1))), to_server, hook)
    assert verdict is not None
    assert verdict.action is action


def test_no_verdict_where_a_packet_would_tell_more() -> None:
    way = other_way({"INPUT": [{"rule": "iface", "in": "eth0", "action": "DROP"}]})
    assert way.verdict(make_flow(), True, INPUT) is None


def test_answers_come_by_the_other_hook() -> None:
    assert all(BACK[BACK[hook]] == hook for hook in BACK)
