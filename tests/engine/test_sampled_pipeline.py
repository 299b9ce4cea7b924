"""One packet in 64 is timed, and the estimates stand for all; in memory, on the engine's own clock."""

from __future__ import annotations

from pywall_core.api import DROP
from pywall_core.engine.timing import EVERY

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
