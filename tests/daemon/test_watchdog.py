"""A call that does not come back is interrupted; work that goes on is not."""

from __future__ import annotations

import pytest

from pywall_core.daemon.watchdog import Watchdog
from pywall_core.model.errors import Hung


def checks(progress: list[int]) -> int:
    """Return at which check of ``progress`` the watchdog interrupts, 0: never."""
    values = iter(progress)
    watchdog = Watchdog(lambda: next(values))
    for number in range(1, len(progress) + 1):
        try:
            watchdog._check(0, None)
        except Hung:
            return number
    return 0


def test_a_packet_that_takes_too_long_is_interrupted() -> None:
    assert checks([7, 7, 7, 7, 7]) == 4, "seen once, then three times the same: 1 to 1.5 seconds"


def test_work_that_goes_on_is_not_interrupted() -> None:
    assert checks([1, 1, 1, 2, 2, 2, 3, 3, 3]) == 0


def test_an_engine_at_rest_is_not_interrupted() -> None:
    assert checks([-1] * 20) == 0
    assert checks([5, 5, 5, -1, 5, 5, 5]) == 0


def test_after_an_interruption_it_watches_on() -> None:
    watchdog = Watchdog(lambda: 7)
    interrupted = 0
    for _ in range(10):
        try:
            watchdog._check(0, None)
        except Hung:
            interrupted += 1
    assert interrupted == 3


def _never_return() -> None:
    while True:
        pass


def test_the_clock_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal itself, with short steps."""
    monkeypatch.setattr("pywall_core.daemon.watchdog.CHECK_SECONDS", 0.01)
    watchdog = Watchdog(lambda: 7)
    watchdog.start()
    try:
        with pytest.raises(Hung):
            _never_return()
    finally:
        watchdog.stop()
