"""A clock around calls, and a histogram of latencies."""

from __future__ import annotations

import pytest

from pywall_core.engine.timing import BOUNDS, Timing


def test_a_plugin_that_raises_under_the_clock_is_counted() -> None:
    timing = Timing()

    def fails() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        timing.watch("bad", fails)()
    assert timing.seconds["bad"] > 0


def test_who_is_watched_is_shown_before_the_first_call() -> None:
    timing = Timing()
    timing.watch("idle", print)
    assert dict(timing.seconds) == {"idle": 0}


def test_latencies_are_cumulative() -> None:
    timing = Timing()
    for seconds in (BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1], BOUNDS[-1] * 2):
        timing.verdict(seconds)
    buckets = list(timing.latency()["buckets"].values())
    assert (buckets[0], buckets[1], buckets[-1], timing.latency()["sampled"]) == (1, 2, 3, 4)
