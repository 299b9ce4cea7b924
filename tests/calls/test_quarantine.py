"""Failures: errors by plugin, logged at a bounded rate; a plugin that does not stop raising is named once."""

from __future__ import annotations

import logging

import pytest

from pywall_core.calls import quarantine
from pywall_core.calls.quarantine import QUARANTINE_ERRORS, QUARANTINE_SECONDS, Failures, describe


class Clock:
    """The monotonic clock, as the test sets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(quarantine, "time", clock)
    return clock


def failures() -> Failures:
    return Failures(logging.getLogger("test"))


def test_the_last_of_many_errors_within_a_minute_is_the_one(clock: Clock) -> None:
    kept = failures()
    answers = [kept.record("a", ValueError()) for _ in range(QUARANTINE_ERRORS + 5)]
    assert answers.index(True) == QUARANTINE_ERRORS - 1
    assert answers.count(True) == 1
    assert kept.by_plugin["a"].quarantined


def test_errors_further_apart_than_a_minute_are_forgiven(clock: Clock) -> None:
    kept = failures()
    for _ in range(4 * QUARANTINE_ERRORS):
        assert not kept.record("a", ValueError())
        clock.now += 2 * QUARANTINE_SECONDS / QUARANTINE_ERRORS
    assert kept.by_plugin["a"].errors == 4 * QUARANTINE_ERRORS


def test_each_plugin_has_its_own_account(clock: Clock) -> None:
    kept = failures()
    for _ in range(QUARANTINE_ERRORS - 1):
        kept.record("a", ValueError())
    assert not kept.record("b", ValueError())
    assert kept.record("a", ValueError())


def test_one_line_a_second_says_how_many_it_left_out(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    kept = failures()
    for _ in range(3):
        kept.record("a", ValueError("first"))
    clock.now += quarantine.LOG_INTERVAL
    kept.record("a", KeyError("k"))
    assert [record.getMessage() for record in caplog.records] == [
        "plugin a: ValueError: first",
        "plugin a: KeyError: 'k' (2 more suppressed)",
    ]


def test_an_error_is_described_on_one_line_with_its_place() -> None:
    def plugin() -> None:
        raise ValueError("two\nlines\x1b[31m")

    with pytest.raises(ValueError) as caught:
        plugin()
    text = describe(caught.value)
    assert text.startswith("ValueError: two?lines?[31m at ")
    assert text.endswith(f"{__file__}:{plugin.__code__.co_firstlineno + 1}")
    assert len(describe(ValueError("x" * 1000))) == 300
