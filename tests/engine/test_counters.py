"""Counting verdicts and losses."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, Verdict
from pywall_core.engine.counters import LossLog, VerdictCounter, losses
from pywall_core.packet.decode import decode

from ..toy_engine import make, send


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


def test_losses_of_an_engine_by_cause() -> None:
    engine = make()
    send(engine, 3, b"no")
    engine.process(decode(b"\x45", 2.0))
    engine.count("log.written", 5)
    engine.reports = {"queue": lambda: {"dropped_full": 7, "waiting": 3, "passed": 0}, "events": lambda: {"lost": 2}}
    assert engine.losses() == {"drop.toy.no": 3, "decoder.ipv4.short": 1, "queue.full": 7, "events.lost": 2}
    assert engine.stats()["losses"] == engine.losses()
    assert losses({}, {}) == {}


def test_losses_are_logged_at_a_bounded_rate_and_none_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    log = LossLog()
    with caplog.at_level(logging.WARNING):
        for second in range(100):
            log.log_increase(float(second), {"drop.a": second * 5, "queue.full": second})
        log.log_increase(1000.0, {"drop.a": 99 * 5, "queue.full": 10_000})
        log.log_increase(2000.0, {"drop.a": 99 * 5, "queue.full": 20_000})
    told = [int(message.split(": ")[1].split()[0]) for message in caplog.messages]
    assert sum(told) == 99 * 5
    assert 8 <= len(told) <= 11
    assert "queue.full" not in caplog.text, "the supervisor tells those"
