"""Announcements of related flows: what a stranger's plugin may bring about with them, and what the core refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import MORE, NO, TCP, UDP, Answer, Drop, Flow, Match, Packet, hookimpl
from pywall_core.flows.expectations import LIFETIME, MAX_EXPECTATIONS, MAX_PER_FLOW
from pywall_core.testing import InMemory, conversation, engine

Expect = Callable[[Flow], None]
HOST, PEER = bytes([198, 51, 100, 2]), bytes([192, 0, 2, 1])
POLICY: dict[str, Any] = {"plugins": ["chatter"], "default": "ACCEPT"}


class Chatter:
    """A stranger's detector. The client says HELLO, the server WELCOME; ``when``: whose packet makes it announce."""

    api_version = 1
    protocols = ("chatter",)
    transport = "udp"
    facts = ()

    def __init__(self, *calls: Expect, when: str = "server", confirmed: bool = True) -> None:
        self.calls, self.when, self.confirmed = calls, when, confirmed

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client.startswith(b"HELLO"):
            return NO if client else MORE
        if self.when == "client" or server:
            for call in self.calls:
                call(flow)
        return Match("chatter", confirmed=self.confirmed and bool(server), done=False)


def announce(dport: int = 6000, dst: bytes = HOST, src: bytes | None = None, proto: int = UDP) -> Expect:
    return lambda flow: flow.expect("chatter-data", proto=proto, dst=dst, dport=dport, src=src)


TALK = conversation("udp", server=("198.51.100.2", 4000)).client(b"HELLO").server(b"WELCOME")


def data(port: int = 6000, client: tuple[str, int] = ("192.0.2.1", 40001), start: float = 1_700_000_001.0) -> Any:
    return conversation("udp", client=client, server=("198.51.100.2", port), start=start).client(b"data")


def label(lab: InMemory, port: int = 6000) -> str | None:
    """The label of the flow that goes to ``port``."""
    (flow,) = (flow for flow in lab.flows if flow.dport == port)
    return flow.expected


def lab_of(plugin: Chatter, policy: dict[str, Any] | None = None, **options: Any) -> InMemory:
    return engine(policy or POLICY, plugins={"chatter": plugin}, **options)


def refused(lab: InMemory) -> dict[str, int]:
    reasons: dict[str, int] = lab.engine.stats()["flows"]["expectations_refused"]
    return reasons


def test_what_a_server_accepts_in_a_confirmed_flow_is_expected_once() -> None:
    lab = lab_of(Chatter(announce()))
    lab.send(TALK)
    lab.send(data())
    assert label(lab) == "chatter-data"
    lab.send(data(client=("192.0.2.1", 40002)))
    assert [flow.expected for flow in lab.flows if flow.dport == 6000].count(None) == 1, "used up"
    assert refused(lab) == {}


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        pytest.param(Chatter(announce(), confirmed=False), "unconfirmed", id="a server that was not understood"),
        pytest.param(Chatter(announce(dport=22)), "port", id="a service's port"),
        pytest.param(Chatter(announce(dport=1023)), "port", id="the last system port"),
        pytest.param(Chatter(announce(dport=70000)), "port", id="no port"),
        pytest.param(Chatter(announce(proto=1)), "port", id="ICMP"),
        pytest.param(Chatter(announce(dst=b"\x08\x08\x08\x08")), "address", id="a third host"),
        pytest.param(Chatter(announce(src=b"\x08\x08\x08\x08")), "address", id="from a third host"),
        pytest.param(Chatter(announce(src=HOST)), "address", id="from itself"),
    ],
)
def test_what_is_not_safe_is_refused(plugin: Chatter, reason: str) -> None:
    lab = lab_of(plugin)
    lab.send(TALK)
    lab.send(data())
    assert label(lab) is None
    assert refused(lab)[reason] >= 1


def test_a_client_alone_announces_nothing() -> None:
    lab = lab_of(Chatter(announce(), when="client"))
    lab.send(TALK.packets()[:1])
    lab.send(data())
    assert label(lab) is None
    assert refused(lab) == {"unconfirmed": 1}


def test_a_request_in_a_confirmed_flow_is_not_the_answer_to_it() -> None:
    lab = lab_of(Chatter(announce(), when="client"))
    lab.send(TALK.client(b"HELLO again"))
    assert refused(lab) == {"unconfirmed": 1, "no reply": 1}, "the server's packet in between counts"
    lab.send(data())
    assert label(lab) == "chatter-data"


def test_the_port_that_a_flow_comes_from_is_never_looked_at() -> None:
    lab = lab_of(Chatter(announce(dport=40001, dst=PEER)))
    lab.send(TALK)
    lab.send(data(port=2222))
    assert label(lab, 2222) is None, "a connection from the announced port to another service"


def test_another_host_does_not_use_the_announcement() -> None:
    lab = lab_of(Chatter(announce()))
    lab.send(TALK)
    lab.send(data(client=("203.0.113.9", 40001)))
    assert label(lab) is None


def test_a_packet_that_is_dropped_announces_nothing() -> None:
    class Drops(Chatter):
        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
            if packet.to_server:
                return None
            flow.expect("chatter-data", proto=UDP, dst=HOST, dport=6000)
            return Drop("chatter.bad")

    lab = lab_of(Drops())
    lab.send(TALK)
    lab.send(data())
    assert label(lab) is None
    assert refused(lab) == {"dropped": 1}


def test_a_detector_that_is_not_the_flows_own_announces_nothing() -> None:
    class Parasite(Chatter):
        protocols = ("parasite",)

        @hookimpl
        def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
            for call in self.calls:
                call(flow)
            return NO if server else MORE

    policy = {"plugins": ["parasite", "chatter"], "default": "ACCEPT"}
    lab = engine(policy, plugins={"parasite": Parasite(announce()), "chatter": Chatter()})
    lab.send(TALK)
    lab.send(data())
    assert lab.flows[0].confirmed
    assert label(lab) is None


def test_an_announcement_outside_of_a_packet_is_refused() -> None:
    class Late(Chatter):
        @hookimpl
        def pywall_tick(self, now: float) -> None:
            for flow in lab.flows:
                flow.expect("chatter-data", proto=UDP, dst=HOST, dport=6000)

    lab = lab_of(Late())
    lab.send(TALK)
    lab.engine.tick(1_700_000_000.9)
    lab.send(data())
    assert label(lab) is None
    assert refused(lab) == {"no packet": 1}


def test_this_host_may_be_answered_at_the_port_that_it_asks_from() -> None:
    """TFTP: the request goes to port 69, the answer comes from another port, and neither flow has two sides before."""
    plugin = Chatter(lambda flow: flow.expect("chatter-data", proto=UDP, dst=flow.src, dport=flow.sport), when="client")
    asks = conversation("udp", client=("198.51.100.2", 5000), server=("192.0.2.1", 69)).client(b"HELLO")
    for hook, expected in ((3, "chatter-data"), (1, None), (2, None)):
        lab = lab_of(plugin)
        lab.send(asks.packets(client_hook=hook))
        lab.send(
            conversation("udp", client=("192.0.2.1", 3333), server=("198.51.100.2", 5000)).client(b"data").packets()
        )
        assert label(lab, 5000) == expected, "only what this host asks for itself"


def test_announcements_are_bounded_and_end() -> None:
    many = [announce(dport=port) for port in range(1024, 1024 + 2 * MAX_PER_FLOW)]
    lab = lab_of(Chatter(*many))
    lab.send(TALK)
    held = lab.engine.expectations
    assert len(held) == MAX_PER_FLOW
    for n in range(1, 2 + MAX_EXPECTATIONS // MAX_PER_FLOW):
        lab.send(
            conversation("udp", client=("192.0.2.1", 40000 + n), server=("198.51.100.2", 4000))
            .client(b"HELLO")
            .server(b"W")
        )
    assert len(held) <= MAX_EXPECTATIONS
    held.sweep(1_700_000_000.0 + LIFETIME + 2)
    assert not held


def test_tcp_and_udp_are_told_apart() -> None:
    lab = lab_of(Chatter(announce(proto=TCP)))
    lab.send(TALK)
    lab.send(data())
    assert label(lab) is None
