"""Counters of workers, added up."""

from __future__ import annotations

from pywall_core.model.stats import sum_stats

from ..toy_engine import make, send


def test_counters_of_several_workers_are_added() -> None:
    one, two = make(), make()
    for engine, n in ((one, 3), (two, 70)):
        send(engine, n)
        engine.failures.record("toy", ValueError("x"))
    total = sum_stats([one.stats(), two.stats()])
    assert total["packets"] == 73
    assert sum(d["packets"] for d in total["decisions"]) == 73
    assert len(total["decisions"]) == 1
    assert total["failures"]["toy"]["errors"] == 2
    assert total["failures"]["toy"]["quarantined"] is False
    assert total["latency"]["buckets"]["1"] == 1
