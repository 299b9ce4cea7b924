"""One packet in 64 is timed, and the estimates stand for all; in memory, on the engine's own clock."""

from __future__ import annotations

import pytest

from pywall_core.api import DROP
from pywall_core.engine.timing import BOUNDS, EVERY, Timing

from ..toy_engine import make, send


def test_one_packet_in_64_is_timed_and_estimates_stand_for_all() -> None:
    engine = make()
    send(engine, 10 * EVERY)
    stats = engine.stats()
    assert stats["latency"]["sampled"] == 10
    assert list(stats["latency"]["buckets"].values())[-1] == 10
    assert set(stats["seconds"]) == {"toy", "chains"}
    assert 0 < stats["seconds"]["toy"] < 640
    assert stats["latency"]["sum"] * EVERY >= stats["seconds"]["toy"]
    assert sum(d["packets"] for d in stats["decisions"]) == stats["packets"] == 640


def test_verdicts_are_the_same_under_the_clock_and_a_replay_is_never_timed() -> None:
    timed, plain = make(), make(live=False)
    for engine in (timed, plain):
        send(engine, 3 * EVERY)
        send(engine, EVERY, b"no", 8)
    assert timed.decisions == plain.decisions
    assert plain.verdicts[DROP] == EVERY
    assert plain.timing.sampled == 0
    assert "seconds" not in plain.stats()


def test_a_plugin_that_raises_under_the_clock_is_counted() -> None:
    timing = Timing()

    def fails() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        timing.watch("bad", fails)()
    assert timing.seconds["bad"] > 0


def test_latencies_are_cumulative() -> None:
    timing = Timing()
    for seconds in (BOUNDS[0], BOUNDS[0] * 1.01, BOUNDS[-1], BOUNDS[-1] * 2):
        timing.verdict(seconds)
    buckets = list(timing.latency()["buckets"].values())
    assert (buckets[0], buckets[1], buckets[-1], timing.latency()["sampled"]) == (1, 2, 3, 4)
