"""PacketHooks: which plugins are called for a packet, in which order, and what becomes of their answers."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from pywall_core.api import ACCEPT, Drop, Verdict, decode
from pywall_core.calls.guard import Guard
from pywall_core.calls.quarantine import Failures
from pywall_core.engine.hooks import RULES, PacketHooks
from pywall_core.engine.timing import CHAINS, Timing
from pywall_core.testing import make_flow, udp_packet

PACKET = decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x"))
FLOW = make_flow(PACKET)
PASS = Verdict(ACCEPT)


def raising(error: BaseException) -> Any:
    def hook(*_: Any) -> Any:
        raise error

    return hook


class Counted:
    """A guard and what it counted."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.guard = Guard(Failures(logging.getLogger("test")), self.counters, lambda plugin: None)

    def hooks(self, packet: Any = (), decided: Any = (), segment: Any = (), walk: Any = lambda *_: PASS) -> PacketHooks:
        return PacketHooks(self.guard, packet, decided, segment, walk)


def test_a_hook_that_raises_does_not_keep_the_others_from_being_asked() -> None:
    bench = Counted()
    called = []
    hooks = bench.hooks(packet=(("bad", raising(ValueError())), ("good", lambda *_: called.append(1))))
    assert hooks.packet(PACKET, FLOW) is None
    assert bench.guard.failed == "bad"
    assert called == [1]


def test_the_first_veto_ends_the_round() -> None:
    bench = Counted()
    called = []
    hooks = bench.hooks(packet=(("a", lambda *_: Drop("a.no")), ("b", lambda *_: called.append(1))))
    assert hooks.packet(PACKET, FLOW) == Drop("a.no")
    assert called == []


def test_a_wrong_answer_is_an_error_of_the_plugin() -> None:
    bench = Counted()
    assert bench.hooks(packet=(("a", lambda *_: "drop"),)).packet(PACKET, FLOW) is None
    assert bench.guard.failed == "a"


def test_rules_that_raise_give_no_verdict() -> None:
    bench = Counted()
    assert bench.hooks(walk=raising(ValueError())).walk(PACKET, FLOW) is None
    assert bench.guard.failed == RULES
    assert bench.hooks().walk(PACKET, FLOW) is PASS


def test_what_a_segment_hook_raises_costs_no_packet_its_verdict() -> None:
    bench = Counted()
    PACKET.segments = ((0, b"x", 0),)
    bench.hooks(segment=(("a", raising(ValueError())),)).segment(PACKET, FLOW)
    assert bench.guard.failed is None
    assert bench.counters["failure.plugin_error"] == 1


def test_what_a_decided_hook_raises_is_counted() -> None:
    bench = Counted()
    bench.hooks(decided=(("a", raising(ValueError())),)).decided(PACKET, FLOW, PASS)
    assert bench.guard.failed == "a"


def test_the_same_calls_under_a_clock() -> None:
    bench, timing = Counted(), Timing()
    hooks = bench.hooks(packet=(("a", lambda *_: None),), decided=(("b", lambda *_: None),)).timed(timing)
    hooks.packet(PACKET, FLOW)
    hooks.decided(PACKET, FLOW, PASS)
    assert hooks.walk(PACKET, FLOW) is PASS
    assert set(timing.seconds) == {"a", "b", CHAINS}
