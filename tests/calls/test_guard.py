"""Guard: whatever plugins raise stays here, and each failure is counted once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import DROP, PENDING, YES, Flow, Packet, decode, hookimpl
from pywall_core.calls.guard import Guard, Raised, attempt
from pywall_core.calls.quarantine import QUARANTINE_ERRORS, Failures
from pywall_core.model.errors import Hung
from pywall_core.model.verdict import Cause
from pywall_core.testing import engine, make_flow, udp_packet

PACKET = decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x"))
FLOW = make_flow(PACKET)
ACCEPTING = {"version": 1, "default": "ACCEPT"}


class Counted:
    """A guard and what it counted."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.quarantined: list[str] = []
        self.guard = Guard(Failures(logging.getLogger("test")), self.counters, self.quarantined.append)

    def ways(self) -> dict[str, Callable[[Callable[..., Any]], Any]]:
        """Return each way to call a plugin at a packet, by name: it takes the plugin's function."""
        return {
            "ask": lambda call: self.guard.ask("bad", call, 1),
            "ask2": lambda call: self.guard.ask2("bad", call, 1, 2),
            "ask3": lambda call: self.guard.ask3("bad", call, 1, 2, 3),
        }


def raising(error: BaseException) -> Any:
    def hook(*_: Any) -> Any:
        raise error

    return hook


@pytest.mark.parametrize("way", Counted().ways())
@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), RecursionError(), MemoryError(), GeneratorExit()])
def test_what_is_raised_at_a_packet_is_kept_for_its_verdict(way: str, error: BaseException) -> None:
    bench = Counted()
    bench.guard.begin_packet()
    answer = bench.ways()[way](raising(error))
    assert type(answer) is Raised
    assert answer.error is error
    assert bench.guard.failed == "bad"
    assert bench.counters == {"failure.plugin_error": 1}
    assert bench.guard.failures.by_plugin["bad"].errors == 1
    bench.guard.begin_packet()
    assert bench.guard.failed is None


@pytest.mark.parametrize("way", Counted().ways())
def test_an_answer_is_returned_as_it_is(way: str) -> None:
    bench = Counted()
    assert bench.ways()[way](lambda *given: given) == tuple(range(1, {"ask": 1, "ask2": 2, "ask3": 3}[way] + 1))
    assert bench.guard.failed is None
    assert bench.counters == {}


def test_a_plugin_that_ran_too_long_is_told_apart() -> None:
    bench = Counted()
    bench.guard.ask("slow", raising(Hung()))
    bench.guard.ask("bad", raising(ValueError()))
    assert bench.guard.hung
    bench.guard.begin_packet()
    assert not bench.guard.hung


def test_a_wrong_answer_is_an_error_of_the_plugin() -> None:
    bench = Counted()
    bench.guard.refuse("odd", "pywall_detect", "drop")
    assert bench.guard.failed == "odd"
    assert bench.guard.failures.by_plugin["odd"].last == "TypeError: pywall_detect returned str"


def test_an_error_elsewhere_costs_no_packet_its_verdict() -> None:
    bench = Counted()
    called = []
    assert bench.guard.call("a", raising(ValueError())) is None
    bench.guard.call_all((("a", raising(ValueError())), ("b", called.append)), 7)
    assert called == [7], "the others are called all the same"
    assert bench.guard.failed is None
    assert bench.counters["failure.plugin_error"] == 2


def test_keyboard_interrupt_is_nobodys_failure() -> None:
    bench = Counted()
    ways = [*bench.ways().values(), lambda call: bench.guard.call("bad", call), attempt]
    for way in ways:
        with pytest.raises(KeyboardInterrupt):
            way(raising(KeyboardInterrupt()))
    assert bench.counters == {}
    assert not bench.guard.busy


def test_an_attempt_counts_nothing() -> None:
    assert attempt(divmod, 7, 2) == (3, 1)
    error = attempt(divmod, 7, 0).error
    assert type(error) is ZeroDivisionError


def test_a_plugin_is_quarantined_once_wherever_it_fails() -> None:
    bench = Counted()
    for _ in range(QUARANTINE_ERRORS):
        bench.guard.ask("a", raising(ValueError()))
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


class Unsettled:
    """Says of its fact how settled it is, by raising or with something else than an answer."""

    facts = ("owner.name",)

    def __init__(self, answer: object) -> None:
        self.answer = answer

    @hookimpl
    def pywall_fact_state(self, flow: Flow, name: str) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [ValueError("x"), None, "settled"])
def test_a_fact_whose_plugin_fails_stays_open(answer: object) -> None:
    made = engine(ACCEPTING, plugins={"owner": Unsettled(answer)}).engine
    assert made.fact_state(FLOW, "owner.name") is PENDING
    made = engine(ACCEPTING, plugins={"owner": Unsettled(YES)}).engine
    assert made.fact_state(FLOW, "owner.name") is YES


class Quits:
    """Ends its process, as it thinks."""

    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> None:
        raise SystemExit(1)


def test_a_plugin_that_exits_ends_no_engine() -> None:
    made = engine(ACCEPTING, plugins={"quits": Quits()})
    (verdict,) = made.send([udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x")])
    assert (verdict.action, verdict.cause) == (DROP, Cause.PLUGIN_ERROR)
    assert made.engine.failures.by_plugin["quits"].errors == 1
