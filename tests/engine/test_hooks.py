"""Calls into plugins: whatever they raise stays here."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest

from pywall_core.api import ACCEPT, Drop, Verdict, decode
from pywall_core.engine.hooks import RULES, Guard, PacketHooks
from pywall_core.engine.quarantine import QUARANTINE_ERRORS, Failures
from pywall_core.engine.timing import CHAINS, Timing
from pywall_core.model.errors import Hung
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
        self.quarantined: list[str] = []
        self.guard = Guard(Failures(logging.getLogger("test")), self.counters, self.quarantined.append)

    def hooks(self, packet: Any = (), decided: Any = (), segment: Any = (), walk: Any = lambda *_: PASS) -> PacketHooks:
        return PacketHooks(self.guard, packet, decided, segment, walk)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), RecursionError(), MemoryError()])
def test_what_a_hook_raises_at_a_packet_is_kept_for_its_verdict(error: BaseException) -> None:
    bench = Counted()
    called = []
    hooks = bench.hooks(packet=(("bad", raising(error)), ("good", lambda *_: called.append(1))))
    bench.guard.begin_packet()
    assert hooks.packet(PACKET, FLOW) is None
    assert bench.guard.failed == "bad"
    assert called == [1], "the others are still asked"
    assert bench.counters["failure.plugin_error"] == 1
    bench.guard.begin_packet()
    assert bench.guard.failed is None


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


def test_a_plugin_that_hung_is_told_apart() -> None:
    bench = Counted()
    bench.hooks(packet=(("slow", raising(Hung())),)).packet(PACKET, FLOW)
    assert bench.guard.hung


def test_rules_that_raise_give_no_verdict() -> None:
    bench = Counted()
    assert bench.hooks(walk=raising(ValueError())).walk(PACKET, FLOW) is None
    assert bench.guard.failed == RULES
    assert bench.hooks().walk(PACKET, FLOW) is PASS


def test_an_error_elsewhere_costs_no_packet_its_verdict() -> None:
    bench = Counted()
    assert bench.guard.call("a", raising(ValueError())) is None
    bench.guard.call_all((("a", raising(ValueError())), ("b", raising(ValueError()))))
    PACKET.segments = ((0, b"x", 0),)
    bench.hooks(segment=(("a", raising(ValueError())),)).segment(PACKET, FLOW)
    assert bench.guard.failed is None
    assert bench.counters["failure.plugin_error"] == 4


def test_keyboard_interrupt_is_nobodys_failure() -> None:
    bench = Counted()
    for call in (
        lambda: bench.guard.call("a", raising(KeyboardInterrupt())),
        lambda: bench.hooks(packet=(("a", raising(KeyboardInterrupt())),)).packet(PACKET, FLOW),
        lambda: bench.hooks(decided=(("a", raising(KeyboardInterrupt())),)).decided(PACKET, FLOW, PASS),
        lambda: bench.hooks(walk=raising(KeyboardInterrupt())).walk(PACKET, FLOW),
    ):
        with pytest.raises(KeyboardInterrupt):
            call()
    assert bench.counters == {}


def test_a_plugin_is_quarantined_once_wherever_it_fails() -> None:
    bench = Counted()
    hooks = bench.hooks(decided=(("a", raising(ValueError())),))
    for _ in range(QUARANTINE_ERRORS):
        hooks.decided(PACKET, FLOW, PASS)
        bench.guard.call("b", raising(ValueError()))
    assert bench.quarantined == ["a", "b"]


def test_busy_while_a_plugin_is_at_work_and_as_before_afterwards() -> None:
    bench = Counted()
    seen = []
    bench.guard.call("a", lambda: seen.append(bench.guard.busy))
    assert (seen, bench.guard.busy) == ([True], False)
    bench.guard.busy = True
    bench.guard.call("a", raising(ValueError()))
    assert bench.guard.busy


def test_the_same_calls_under_a_clock() -> None:
    bench, timing = Counted(), Timing()
    hooks = bench.hooks(packet=(("a", lambda *_: None),), decided=(("b", lambda *_: None),)).timed(timing)
    hooks.packet(PACKET, FLOW)
    hooks.decided(PACKET, FLOW, PASS)
    assert hooks.walk(PACKET, FLOW) is PASS
    assert set(timing.seconds) == {"a", "b", CHAINS}
