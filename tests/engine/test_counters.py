"""Counting verdicts and losses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, Verdict
from pywall_core.engine.counters import VerdictCounter, losses


def test_equal_verdicts_are_added_up() -> None:
    counter = VerdictCounter()
    for verdict in (Verdict(ACCEPT, rule="a"), Verdict(ACCEPT, rule="a"), Verdict(DROP, rule="b")):
        counter.add(verdict)
    assert sum(counter.decisions().values()) == 3
    assert counter.actions() == {ACCEPT: 2, DROP: 1}
    counter.add(Verdict(DROP, rule="b"))
    assert counter.actions() == {ACCEPT: 2, DROP: 2}, "asking does not begin anew"


@given(st.lists(st.integers(0, 1500), max_size=3000))
def test_no_packet_is_lost_however_many_reasons_there_are(reasons: list[int]) -> None:
    counter = VerdictCounter()
    for reason in reasons:
        counter.add(Verdict(DROP, rule=str(reason)))
    assert sum(counter.actions().values()) == len(reasons)


def test_losses_by_cause() -> None:
    counters = {
        "decoder.truncated": 2,
        "drop.stream.bad_checksum": 1,
        "flows.ended.timeout": 9,
        "failure.plugin_error": 0,
    }
    reports = {"queue": {"dropped_full": 7, "waiting": 3, "passed": 0}, "events": {"lost": 1}}
    assert losses(counters, reports) == {
        "decoder.truncated": 2,
        "drop.stream.bad_checksum": 1,
        "queue.full": 7,
        "events.lost": 1,
    }
