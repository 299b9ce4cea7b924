"""The figures of the ``stats`` event, of an engine that has seen a few packets."""

from __future__ import annotations

from ..toy_engine import make, send


def test_each_packet_is_in_each_sum() -> None:
    engine = make()
    send(engine, 3, b"xyz")
    send(engine, 2, b"no")
    stats = engine.stats()
    assert (stats["packets"], stats["bytes"]) == (5, 3 * 31 + 2 * 30)
    assert sum(stats["verdicts"].values()) == sum(d["packets"] for d in stats["decisions"]) == 5
    assert stats["flows"]["active"] == sum(stats["flows"]["by_state"].values()) == 3
    assert stats["flows"]["by_proto"] == {"UDP": 3}
    assert stats["rules"].keys() == stats["rule_names"].keys() == {"INPUT[0]", "INPUT[1]"}
    assert stats["losses"] == {"drop.toy.no": 2}


def test_latencies_are_of_live_engines_alone() -> None:
    assert "latency" in make(live=True).stats()
    assert make(live=False).stats().keys().isdisjoint({"latency", "seconds"})


def test_reports_and_failures_have_their_places() -> None:
    engine = make()
    engine.reports["queue"] = lambda: {"waiting": 3}
    engine.failures.record("toy", ValueError("x"))
    stats = engine.stats()
    assert stats["queue"] == {"waiting": 3}
    assert stats["failures"] == {"toy": {"errors": 1, "quarantined": False, "last": "ValueError: x"}}


def test_a_rule_that_has_matched_says_when() -> None:
    engine = make(live=False)
    assert engine.stats()["rule_last"] == {}
    engine.chains.rules["INPUT"][0].last = 5.0
    assert engine.stats()["rule_last"] == {"INPUT[0]": 5.0}
