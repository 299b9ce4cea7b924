"""A tracer writes down what the engine asked of each packet, and changes nothing of what it decides."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import (
    ACCEPT,
    DROP,
    MORE,
    NO,
    YES,
    Answer,
    Drop,
    Facts,
    Flow,
    Host,
    Match,
    Matcher,
    Packet,
    RuleKind,
    Transaction,
    hookimpl,
)
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.explain.trace import History, Tracer, decisive, outcomes, where
from pywall_core.plugins.loader import assemble

from ..conftest import Kinds
from ..toy_engine import Word, answer, ask

RULES = [
    {"rule": "port", "dst": 80, "action": "DROP"},
    {"rule": "app", "name": "good", "action": "ACCEPT"},
    {"rule": "always", "action": "DROP"},
]


class Length:
    """Tells the number of bytes when four have come."""

    facts = ("length",)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        return Facts(length=len(data)) if len(data) >= 4 else MORE


class Veto:
    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
        return Drop("veto.bang") if packet.payload == b"!" else None


class Letters:
    """A parser: each byte of the client is a question."""

    has_transactions = True
    confirmed = over = False

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def copy(self) -> Letters:
        return Letters(self.number)

    def feed(self, to_server: bool, data: bytes) -> list[Transaction]:
        first, self.number = self.number, self.number + len(data)
        return [Transaction(first + at, {"letter": chr(byte)}) for at, byte in enumerate(data)]

    def gap(self, to_server: bool, size: int) -> bool:
        return False

    def finish(self) -> list[Transaction]:
        return []


class Spelled(RuleKind):
    kind = "spelled"

    def asks(self) -> tuple[str, ...]:
        return ("letters.letter",)

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES if flow.facts.get("letters.letter") == "x" else NO


class Speller:
    protocols = ("letters",)
    transport = "udp"
    facts = ("letters.letter",)

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Spelled)

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("letters", confirmed=True) if client[:1].islower() else NO

    @hookimpl
    def pywall_transactions(self, flow: Flow) -> Letters:
        return Letters()


def make(tracer: Tracer | None, **data: Any) -> Engine:
    config = Config.model_validate({"version": 1, "chains": {"INPUT": RULES}, **data})
    plugins = [("kinds", Kinds()), ("good", Word("good", b"HELLO")), ("length", Length()), ("veto", Veto())]
    return Engine(config, assemble(config, plugins), live=False, tracer=tracer)


def traced(*packets: Packet, lines: bool = False, **data: Any) -> tuple[Engine, list[History]]:
    """The engine, and what its tracer wrote down about ``packets``."""
    tracer = Tracer(lines=lines)
    engine = make(tracer, **data)
    for packet in packets:
        tracer.seen(packet, engine.process(packet))
    return engine, list(tracer.histories.values())


def test_each_rule_of_the_walk_with_what_was_still_possible() -> None:
    _, (history,) = traced(ask(b"HEL"), ask(b"LO"))
    first, second = history.entries
    assert [(step.rule, step.answer, step.outcomes) for step in first.walk] == [
        ("INPUT[0]", "NO", ()),
        ("INPUT[1]", "PENDING", ("ACCEPT",)),
        ("INPUT[2]", "YES", ("ACCEPT", "DROP")),
    ]
    assert first.why.startswith("not final: several outcomes are left; the packet passes")
    assert [(step.rule, step.answer) for step in second.walk][-1] == ("INPUT[1]", "YES")
    assert second.why == "final: nothing that was asked can change any more"


def test_each_transaction_of_a_packet_has_its_walk() -> None:
    config = Config.model_validate({"version": 1, "chains": {"INPUT": [{"rule": "spelled", "action": "DROP"}]}})
    tracer = Tracer()
    engine = Engine(config, assemble(config, [("letters", Speller())]), live=False, tracer=tracer)
    packet = ask(b"abxc")
    tracer.seen(packet, engine.process(packet))
    (history,) = tracer.histories.values()
    told = [(entry.learnt["letters.letter"], entry.walk[0].answer, entry.verdict.action) for entry in history.entries]
    assert told == [("a", "NO", ACCEPT), ("b", "NO", ACCEPT), ("x", "YES", DROP)]
    assert [len(entry.asked) for entry in history.entries] == [1, 0, 0]


def test_what_was_asked_and_what_was_learnt() -> None:
    _, (history,) = traced(ask(b"HEL"), ask(b"P me"))
    first, second = history.entries
    assert [(asked.name, asked.answer, asked.client) for asked in first.asked] == [("good", "MORE", 3)]
    assert first.learnt == {}
    assert [(asked.name, asked.answer, asked.client) for asked in second.asked] == [
        ("good", "NO", 7),
        ("length", "MORE", 3),
        ("length", "FACTS", 7),
    ], "a classifier is shown, piece by piece, what came before the detectors gave up"
    assert second.asked[2].facts == {"length": 4}
    assert (second.learnt["app_proto"], second.learnt["length"]) == ("unknown", 4)


def test_packets_that_bring_nothing_new_are_counted() -> None:
    _, (history,) = traced(ask(dport=80), ask(dport=80), ask(dport=80))
    assert [(entry.verdict.action, entry.more) for entry in history.entries] == [(DROP, 2)]


def test_a_walk_that_no_rule_ends_is_ended_by_the_default() -> None:
    _, (history,) = traced(ask(), chains={"INPUT": RULES[:1]}, default="DROP")
    assert [(step.rule, step.answer, step.action) for step in history.entries[0].walk] == [
        ("INPUT[0]", "NO", "DROP"),
        ("default", "END", "DROP"),
    ]


def test_the_line_that_said_no_is_noted_when_it_is_asked_for() -> None:
    _, (history,) = traced(ask(b"x"), lines=True)
    (asked,) = (asked for asked in history.entries[0].asked if asked.name == "good")
    assert asked.answer == "NO"
    assert "toy_engine.py:" in asked.where


def test_flows_are_numbered_as_they_began() -> None:
    _, histories = traced(ask(sport=1), ask(sport=2), answer(dport=1))
    assert [(history.number, history.flow.sport) for history in histories] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("packet", "data", "place"),
    [
        (ask(b"HELLO"), {}, ""),
        (ask(), {"chains": {"INPUT": []}}, "default: ACCEPT (not set)"),
        (ask(b"!"), {}, "plugin veto"),
    ],
)
def test_what_decided_has_a_place_even_where_no_line_did(packet: Packet, data: dict[str, Any], place: str) -> None:
    engine, (history,) = traced(packet, **data)
    assert where(engine.config, history.entries[0].verdict, engine) == place


def test_the_decisive_verdict_is_the_final_one_or_the_last_that_a_rule_gave() -> None:
    _, (dropped,) = traced(ask(dport=80), ask(dport=80))
    _, (open_still,) = traced(ask(b"HE"))
    verdicts = [decisive(history) for history in (dropped, open_still)]
    assert [(verdict.action, verdict.rule, verdict.final) for verdict in verdicts if verdict] == [
        (DROP, "INPUT[0]", True),
        (ACCEPT, "INPUT[1]", False),
    ]


def test_outcomes_by_name() -> None:
    assert [outcomes(mask) for mask in (0, 1, 6, 7)] == [
        (),
        ("ACCEPT",),
        ("DROP", "REJECT"),
        ("ACCEPT", "DROP", "REJECT"),
    ]


def test_a_tracer_changes_no_verdict() -> None:
    packets = [ask(b"HEL"), answer(b"x"), ask(b"LO"), ask(b"more"), ask(b"!"), ask(dport=80)]
    engine, _ = traced(*packets)
    plain = make(None)
    for packet in packets:
        plain.process(packet)
    assert plain.verdicts == engine.verdicts
