"""Carried content is given to classifiers where a rule asks; a packet gets its verdict also when one of them fails."""

from __future__ import annotations

from typing import Any

import pytest
from pywall_rules import plugin as rules

from pywall_core.api import MORE, NO, Answer, Carried, Facts, Flow, HandOver, Match, Transaction, hookimpl
from pywall_core.testing import InMemory, conversation, engine


class Letters:
    """Parser of a protocol that carries each letter: capitals are asked, a digit is the answer, dots begin a body."""

    has_transactions = True

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.carries: frozenset[str] = frozenset()
        self.given = 0

    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        found: list[Any] = []
        for at in range(len(data)):
            letter = data[at : at + 1]
            if letter == b".":
                self.given = 0
            elif "letters.body" in self.carries:
                found.append(Carried("letters.body", to_server, letter, self.given, "kind"))
                self.given += 1
            if letter.isupper():
                found.append(Transaction(0, {"asked": letter.decode()}))
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        return False

    def finish(self) -> list[Transaction]:
        return []

    def copy(self) -> Letters:
        other = type(self)()
        other.carries, other.given = self.carries, self.given
        return other


class Protocol:
    protocols = ("letters",)
    transport = "udp"
    facts = ("asked",)
    carriers = {"letters.body": ("letters.body.seen",)}  # noqa: RUF012
    parser: type = Letters

    def __init__(self) -> None:
        self.told: list[Carried] = []

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("letters", confirmed=True) if client[:1] == b"a" else NO

    @hookimpl
    def pywall_transactions(self, flow: Flow) -> Any:
        return self.parser()

    @hookimpl
    def pywall_carried(self, flow: Flow, carried: Carried) -> Facts | Answer:
        self.told.append(carried)
        return Facts({"letters.body.seen": carried.data.decode()}) if carried.data != b"b" else MORE


ASKS = {"INPUT": [{"rule": "fact", "name": "letters.body.seen", "is": "x", "action": "DROP"}]}
ASKS_ANOTHER = {"INPUT": [{"rule": "fact", "name": "letters.asked", "is": "Q", "action": "DROP"}]}


def run(plugin: Any, chains: Any, *said: bytes, policy: str = "pass-packet") -> tuple[InMemory, list[str]]:
    config = {"chains": chains, "failure": {"plugin_error": policy}, "default": "ACCEPT"}
    lab = engine(config, plugins={"rules": rules, "letters": plugin})
    talk = conversation("udp")
    for data in said:
        talk = talk.client(data)
    return lab, [verdict.action.value for verdict in lab.send(talk)]


def test_a_fact_of_what_is_carried_is_known_with_the_packet_that_brings_it() -> None:
    plugin = Protocol()
    _, actions = run(plugin, ASKS, b"ab", b"Cc", b"x", b"y")
    assert actions == ["accept", "accept", "drop", "drop"]
    assert [carried.data for carried in plugin.told] == [b"a", b"b", b"C", b"c", b"x"]
    assert [carried.offset for carried in plugin.told] == [0, 1, 2, 3, 4]


def test_transactions_leave_it_and_another_body_does_not() -> None:
    lab, _ = run(Protocol(), ASKS, b"ac", b"Q")
    assert lab.flows[0].facts == {"letters.body.seen": "Q", "letters.asked": "Q"}
    lab, _ = run(Protocol(), ASKS, b"ac", b".b")
    assert lab.flows[0].facts == {}


def test_nothing_is_given_where_no_rule_asks() -> None:
    plugin = Protocol()
    run(plugin, ASKS_ANOTHER, b"abc", b"x")
    assert plugin.told == []


class RaisesInFeed(Letters):
    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        raise RuntimeError("feed")


class RaisesInCopy(Letters):
    def copy(self) -> Letters:
        raise RuntimeError("copy")


class HasNoFlags(Letters):
    def __init__(self) -> None:
        self.carries, self.given = frozenset(), 0


class HasNoTransactions(Letters):
    @property
    def has_transactions(self) -> bool:  # type: ignore[override]
        raise RuntimeError("has_transactions")


class GivesText(Letters):
    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        return ["text"]


class GivesFactsThatAreNone(Letters):
    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        return [Transaction(0, None)]  # type: ignore[arg-type]


class GivesNoBytes(Letters):
    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        return [HandOver("text")]  # type: ignore[arg-type]


class IsNoParser:
    pass


class BadUnwrapper(Letters):
    def feed(self, to_server: bool, data: bytes) -> list[Any]:
        return [HandOver(unwrap=IsNoParser())]  # type: ignore[arg-type]


FAILING = [
    RaisesInFeed,
    HasNoFlags,
    HasNoTransactions,
    GivesText,
    GivesFactsThatAreNone,
    GivesNoBytes,
    IsNoParser,
    BadUnwrapper,
]


@pytest.mark.parametrize("parser", FAILING)
@pytest.mark.parametrize(("policy", "action"), [("pass-packet", "accept"), ("drop-packet", "drop")])
def test_a_parser_that_fails_is_an_error_of_its_plugin(parser: type, policy: str, action: str) -> None:
    plugin = Protocol()
    plugin.parser = parser
    lab, actions = run(plugin, ASKS, b"ab", b"cd", policy=policy)
    assert action in actions
    assert lab.engine.stats()["failures"]["letters"]["errors"] >= 1
    lab.close()


def test_a_parser_that_cannot_be_copied_goes_on() -> None:
    plugin = Protocol()
    plugin.parser = RaisesInCopy
    _, actions = run(plugin, ASKS, b"ab", b"cd", b"x")
    assert actions == ["accept", "accept", "drop"]


@pytest.mark.parametrize("answer", [None, True, {}, "accept"])
def test_a_classifier_that_answers_wrongly_is_an_error_of_its_plugin(answer: object) -> None:
    class Wrong(Protocol):
        @hookimpl
        def pywall_carried(self, flow: Flow, carried: Carried) -> Any:
            return answer

    lab, _ = run(Wrong(), ASKS, b"ab")
    assert lab.engine.stats()["failures"]["letters"]["errors"] >= 1
