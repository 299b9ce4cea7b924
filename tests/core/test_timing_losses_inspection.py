"""Sampled times, losses by cause and their log, and looking at flows: in memory, on the engine's own clock."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pywall_core.api import DROP, MORE, NO, PENDING, Answer, Drop, Flow, Match, Matcher, Packet, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.engine.counters import LossLog, losses
from pywall_core.engine.engine import Engine
from pywall_core.engine.timing import BOUNDS, EVERY, Timing
from pywall_core.explain.queries import Inspector
from pywall_core.flows.filter import FilterError
from pywall_core.kernel.bypass_counter import BypassCounter
from pywall_core.kernel.queues import Statistics
from pywall_core.model.stats import sum_stats
from pywall_core.packet.decode import decode
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet


class Seen(RuleKind):
    """Counts the packets that it is asked about: a rule with an effect."""

    kind = "seen"
    scope = "packet"

    def compile(self, host: Any) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            host.count("seen")
            return NO

        return match


class Named(RuleKind):
    """Matches flows whose protocol is toy."""

    kind = "named"

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def compile(self, host: Any) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            return PENDING if flow.app_proto is None else NO

        return match


class Toy:
    """Detects nothing before its third byte."""

    transport = "udp"

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Seen)
        register(Named)

    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
        return Drop("toy.no") if packet.payload == b"no" else None

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return MORE if len(client) < 3 else NO


def make(live: bool = True) -> Engine:
    config = Config.model_validate(
        {"chains": {"INPUT": [{"rule": "seen", "action": "DROP"}, {"rule": "named", "action": "DROP"}]}}
    )
    return Engine(config, assemble(config, [("toy", Toy())]), live=live)


def send(engine: Engine, number: int, payload: bytes = b"x", dport: int = 7) -> None:
    for n in range(number):
        engine.process(decode(udp_packet("192.0.2.1", 1000 + n, "192.0.2.2", dport, payload), 1.0 + n / 1000))


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


def test_losses_by_cause() -> None:
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


def queue(full: int = 0, waiting: int = 0) -> dict[int, Statistics]:
    return {7: Statistics(waiting, full, 0, 0)}


def test_passes_are_what_rules_counted_and_nobody_judged() -> None:
    passes = BypassCounter()
    assert passes.update(1000, {1: 900}, queue(waiting=100)) == 0
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 0
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 40, "a look later"
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 0, "told once"
    assert passes.update(5000, {1: 2000, 2: 2900}, queue(full=60)) == 0
    assert passes.update(5000, {1: 2000, 2: 2900}, queue(full=60)) == 0
    assert passes.total == 40


def test_passes_after_the_rules_were_put_in_anew() -> None:
    passes = BypassCounter()
    passes.update(1000, {1: 1000}, queue())
    assert passes.update(10, {1: 1500}, queue()) == 0, "500 were counted by rules that are gone"
    assert passes.update(200, {1: 1690}, queue()) == 0
    assert passes.update(230, {1: 1690}, queue()) == 0
    assert passes.update(230, {1: 1690}, queue()) == 30


def test_flows_sorted_chosen_and_bounded() -> None:
    engine = make()
    for n, dport in enumerate((53, 80, 443)):
        send(engine, n + 1, bytes(2), dport)
        engine.process(decode(udp_packet("192.0.2.1", 1000, "192.0.2.2", dport, bytes(2 + n)), 2.0 + n))
    inspector = Inspector(engine)
    assert [f["dest_port"] for f in inspector.flows(5.0, 2, "recent")] == [443, 80]
    assert inspector.flows(5.0, 10, "bytes")[0]["dest_port"] == 443
    assert {f["dest_port"] for f in inspector.flows(5.0, 10, "", "dst port 1-100")} == {53, 80}
    assert inspector.flows(5.0, 0) == inspector.flows(5.0, -5) == []
    assert len(inspector.flows(5.0, 10**9, "no such order")) == 6
    with pytest.raises(FilterError, match="more than 100 words"):
        inspector.flows(5.0, 10, "", "(" * 2000)


def test_looking_at_a_flow_asks_no_rule_that_has_effects() -> None:
    engine = make()
    send(engine, 1)
    (flow,) = engine.flows
    seen, hits = engine.counters["seen"], [rule.hits for rule in engine.chains.rules["INPUT"]]
    shown = Inspector(engine).show(flow.id, 9.0)
    assert shown is not None
    there = shown["directions"][0]
    assert [step["answer"] for step in there["walk"]] == ["PENDING", "PENDING", "END"]
    assert (there["verdict"], there["final"]) == ("accept", False)
    assert shown["detectors_pending"] == ["toy"]
    assert (shown["age"], shown["idle"]) == (8.0, 8.0)
    assert engine.counters["seen"] == seen
    assert [rule.hits for rule in engine.chains.rules["INPUT"]] == hits
    assert Inspector(engine).show(1, 9.0) is None


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
