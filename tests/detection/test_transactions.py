"""A toy protocol of lines: each is a question, each line back its answer. What the engine makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from pywall_core.api import (
    MORE,
    NO,
    PENDING,
    YES,
    Answer,
    Drop,
    Engine,
    Flow,
    HandOver,
    Host,
    Match,
    Matcher,
    Packet,
    RuleKind,
    Transaction,
    decode,
    hookimpl,
)
from pywall_core.testing import udp_packet

CLIENT, SERVER = ("192.0.2.1", 4000), ("198.51.100.2", 5000)


def ask(data: bytes) -> Packet:
    return decode(udp_packet(*CLIENT, *SERVER, data), hook=1)


def tell(data: bytes) -> Packet:
    return decode(udp_packet(*SERVER, *CLIENT, data), hook=3)


class Lines:
    """``rest`` is what has no end yet; ``>`` hands over, ``?`` is not a line of this protocol."""

    has_transactions = True

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.rest = b""
        self.open: tuple[dict[str, Any], ...] = ()
        self.first = 0

    def copy(self) -> Lines:
        other = Lines()
        other.confirmed, other.over = self.confirmed, self.over
        other.rest, other.open, other.first = self.rest, self.open, self.first
        return other

    def feed(self, to_server: bool, data: bytes) -> list[Transaction | HandOver]:
        found: list[Transaction | HandOver] = []
        if not to_server:
            self.confirmed = True
            for line in data.splitlines():
                facts, self.open = {**self.open[0], "answer": line.decode()}, self.open[1:]
                found.append(Transaction(self.first, facts, complete=True))
                self.first += 1
                self.over = line == b"bye"
            return found
        if data == b"boom":
            raise ValueError(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for at, line in enumerate(lines):
            if line[:1] in (b">", b"?"):
                behind = b"\n".join([*lines[at + 1 :], self.rest]) if line[:1] == b">" else data
                return [*found, HandOver(behind, b"", line[:1] == b">")]
            self.open = (*self.open, {"word": line.decode()})
            found.append(Transaction(self.first + len(self.open) - 1, self.open[-1]))
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        return False

    def finish(self) -> list[Transaction]:
        return [Transaction(self.first + at, facts, True) for at, facts in enumerate(self.open)]


class Toy:
    """Lines of which the first begins with ``toy``."""

    transport = "udp"
    protocols = ("toy",)

    def __init__(self, follow: bool = True) -> None:
        self.follow = follow

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("toy", {"word": "first"}, confirmed=False) if client.startswith(b"toy") else NO

    @hookimpl
    def pywall_transactions(self, flow: Flow) -> Lines | None:
        return Lines() if self.follow else None


class Inner:
    """What begins with ``inner``."""

    transport = "udp"
    protocols = ("inner",)

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client.startswith(b"inner"[: len(client)]):
            return NO
        return Match("inner") if client.startswith(b"inner") else MORE


class Says(RuleKind):
    """The fact ``toy.word``."""

    kind: ClassVar[str] = "says"
    scope = "flow"
    word: str

    def asks(self) -> tuple[str, ...]:
        return ("toy.word",)

    def compile(self, engine: Host) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            if engine.fact_state(flow, "toy.word") is PENDING:
                return PENDING
            return YES if flow.facts.get("toy.word") == self.word else NO

        return match


class Extra:
    """Brings the rule above."""

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Says)


Make = Callable[..., Engine]
BAD = {"INPUT": [{"rule": "says", "word": "bad", "action": "DROP"}]}


@pytest.fixture
def toy(make_engine: Make) -> Callable[..., Any]:
    def make(**data: Any) -> Any:
        data.setdefault("chains", BAD)
        follow = data.pop("follow", True)
        plugins = [("extra", Extra()), ("toy", Toy(follow)), ("inner", Inner())]
        return make_engine(plugins, **data)

    return make


def actions(engine: Any, *packets: Packet) -> list[str]:
    return [engine.process(packet).action.value for packet in packets]


def of_type(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event_type"] == kind]


def test_each_transaction_gets_a_verdict_and_the_flow_dropped_at_the_forbidden_one(toy: Any) -> None:
    events: list[dict[str, Any]] = []
    engine = toy(events=events, live=True)
    assert actions(engine, ask(b"toy\n"), tell(b"yes\n"), ask(b"good\nbad\ngood\n"), ask(b"good\n")) == [
        "accept",
        "accept",
        "drop",
        "drop",
    ]
    (flow,) = engine.flows
    assert (flow.final.action.value, flow.detection.following) == ("drop", None)
    engine.close()
    assert [(e["tx_id"], e["toy"]) for e in of_type(events, "toy")] == [
        (0, {"word": "toy", "answer": "yes"}),
        (1, {"word": "good"}),
        (2, {"word": "bad"}),
        (3, {"word": "good"}),
    ]


def test_the_facts_of_a_transaction_replace_those_of_the_one_before(toy: Any) -> None:
    engine = toy()
    actions(engine, ask(b"toy\n"), tell(b"yes\n"), ask(b"next\n"))
    (flow,) = engine.flows
    assert flow.facts == {"toy.word": "next"}
    assert (flow.confirmed, flow.detect_done) == (True, True)


def test_nothing_is_final_while_another_may_come(toy: Any) -> None:
    engine = toy(live=True)
    for packet in (ask(b"toy\n"), tell(b"yes\n"), ask(b"next\n")):
        verdict = engine.process(packet)
        assert not (verdict.final and packet.to_server)
    (flow,) = engine.flows
    assert not flow.cache.released
    assert engine.fact_state(flow, "app_proto") is NO
    engine.process(tell(b"bye\n"))
    assert engine.fact_state(flow, "app_proto") is YES
    assert engine.process(ask(b"more\n")).final
    engine.process(ask(b"more\n"))
    assert flow.cache.released


def test_a_chain_that_asks_no_facts_releases_the_flow_at_once(toy: Any) -> None:
    engine = toy(live=True, chains={"INPUT": [{"rule": "port", "dst": 1, "action": "DROP"}]})
    assert all(engine.process(packet).final for packet in (ask(b"toy\n"), ask(b"bad\n")))
    assert next(iter(engine.flows)).detection.following is None


def test_an_incomplete_first_transaction_leaves_its_facts_open(toy: Any) -> None:
    engine = toy(chains={"INPUT": [{"rule": "says", "word": "toy", "action": "ACCEPT"}]}, default="DROP")
    assert actions(engine, ask(b"toy"), ask(b"\n"), ask(b"next\n")) == ["accept", "accept", "drop"]


def test_a_packet_that_is_dropped_but_not_for_good_teaches_nothing(toy: Any) -> None:
    chains = {
        "INPUT": [
            {"rule": "says", "word": "again", "action": "flags"},
        ],
        "flags": [{"rule": "flag", "action": "DROP"}],
    }
    engine = toy(chains=chains)
    assert actions(engine, ask(b"toy\n")) == ["accept"]
    assert actions(engine, ask(b"!\nagain\n"), ask(b"!\nagain\n")) == ["drop", "drop"]
    (flow,) = engine.flows
    assert flow.facts == {"toy.word": "toy"}
    assert flow.detection.following.parser.open == ({"word": "toy"},)


def test_another_protocol_inside(toy: Any) -> None:
    events: list[dict[str, Any]] = []
    engine = toy(events=events)
    actions(engine, ask(b"toy\n"), ask(b">\nin"), ask(b"ner"))
    (flow,) = engine.flows
    assert (flow.app_proto, flow.app_proto_orig, flow.app_proto_outer) == ("inner", "toy", ("toy",))
    engine.close()
    assert of_type(events, "flow")[0]["app_proto_outer"] == "toy"


def test_bytes_that_contradict_the_protocol_take_its_name_away(toy: Any) -> None:
    engine = toy(failure={"ambiguous": "pass-flow"})
    assert actions(engine, ask(b"toy\n"), ask(b"?\n")) == ["accept", "accept"]
    assert engine.counters["failure.ambiguous"] == 1
    (flow,) = engine.flows
    assert (flow.app_proto, flow.app_proto_orig, flow.app_proto_outer) == ("unknown", "toy", ())


def test_where_rules_ask_its_facts_a_datagram_that_contradicts_the_protocol_is_dropped_alone(toy: Any) -> None:
    events: list[dict[str, Any]] = []
    engine = toy(events=events)
    assert actions(engine, ask(b"toy\n"), ask(b"?\n"), ask(b"next\n")) == ["accept", "drop", "accept"]
    (flow,) = engine.flows
    assert (flow.app_proto, flow.facts) == ("toy", {"toy.word": "next"})
    assert of_type(events, "anomaly")[0]["anomaly"]["event"] == "toy.ambiguous.contradiction"
    unasked = toy(chains={"INPUT": [{"rule": "port", "dst": 1, "action": "DROP"}]})
    assert actions(unasked, ask(b"toy\n"), ask(b"?\n")) == ["accept", "accept"]


def test_a_detector_and_a_parser_that_disagree_do_not_go_round_in_circles(toy: Any) -> None:
    engine = toy(failure={"ambiguous": "pass-flow"})
    assert actions(engine, ask(b"toy\n?\n")) == ["accept"]
    (flow,) = engine.flows
    assert (flow.app_proto, flow.app_proto_orig) == ("unknown", "toy")


def test_a_parser_that_raises_is_the_plugins_failure(toy: Any) -> None:
    engine = toy(failure={"plugin_error": "drop-packet"})
    assert actions(engine, ask(b"toy\n"), ask(b"boom")) == ["accept", "drop"]
    assert engine.counters["failure.plugin_error"] == 1


def test_a_parser_that_cannot_be_told_what_rules_ask_is_the_plugins_failure(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Lines, names: frozenset[str]) -> None:
        raise TypeError(names)

    monkeypatch.setattr(Lines, "asked", property(lambda self: None, refuse), raising=False)
    engine = toy(failure={"plugin_error": "drop-packet"})
    assert actions(engine, ask(b"toy\n")) == ["drop"]
    assert engine.counters["failure.plugin_error"] == 1


def test_without_a_parser_the_detectors_facts_hold(toy: Any) -> None:
    engine = toy(follow=False)
    actions(engine, ask(b"toy\n"), ask(b"next\n"))
    (flow,) = engine.flows
    assert (flow.facts, flow.detection.following) == ({"toy.word": "first"}, None)


def test_a_veto_is_no_transaction(make_engine: Make) -> None:
    class Veto:
        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
            return Drop("test.veto") if packet.payload == b"next\n" else None

    engine = make_engine([("extra", Extra()), ("veto", Veto()), ("toy", Toy())], chains=BAD)
    assert actions(engine, ask(b"toy\n"), ask(b"next\n"), ask(b"other\n")) == ["accept", "drop", "accept"]
    (flow,) = engine.flows
    assert flow.facts == {"toy.word": "other"}
