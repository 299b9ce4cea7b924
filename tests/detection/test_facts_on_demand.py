"""Facts of a match are built when something needs them; a detector whose transactions say all is asked no more."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import NO, Answer, Flow, HandOver, Match, Packet, Transaction, decode, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet


class Lines:
    """A line of the client is a transaction, an answer confirms; ``>`` hands over."""

    def __init__(self, has_transactions: bool) -> None:
        self.has_transactions = has_transactions
        self.confirmed = self.over = False
        self.number = 0

    def copy(self) -> Lines:
        other = Lines(self.has_transactions)
        other.confirmed, other.number = self.confirmed, self.number
        return other

    def feed(self, to_server: bool, data: bytes) -> list[Transaction | HandOver]:
        if not to_server:
            self.confirmed = True
            return [HandOver()] if data == b">" else []
        if not (self.has_transactions and data.endswith(b"\n")):
            return []
        self.number += 1
        return [Transaction(self.number - 1, {"line": data.decode()})]

    def gap(self, to_server: bool, size: int) -> bool:
        return False

    def finish(self) -> list[Transaction]:
        return []


class Toy:
    """What begins with ``toy``. ``asked`` and ``described`` count calls."""

    transport = "udp"
    protocols = ("toy",)

    def __init__(self, *, has_transactions: bool = True, follows: bool = True) -> None:
        self.asked = self.described = 0
        self._has_transactions = has_transactions
        self._follows = follows

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.asked += 1
        if not client.startswith(b"toy"):
            return NO
        return Match("toy", {"kind": "toy"}, bool(server), bool(server), describe=self._describe)

    def _describe(self) -> dict[str, Any]:
        self.described += 1
        return {"word": "toy"}

    @hookimpl
    def pywall_transactions(self, flow: Flow) -> Lines | None:
        return Lines(self._has_transactions) if self._follows else None


def engine_with(toy: Toy) -> Engine:
    config = Config.model_validate({"version": 1})
    return Engine(config, assemble(config, [("toy", toy)]), live=False, sink=[].append)


def ask(data: bytes) -> Packet:
    return decode(udp_packet("192.0.2.1", 4000, "198.51.100.2", 5000, data), hook=1)


def tell(data: bytes) -> Packet:
    return decode(udp_packet("198.51.100.2", 5000, "192.0.2.1", 4000, data), hook=3)


def the_flow(engine: Engine) -> Flow:
    (flow,) = engine.flows
    return flow


@pytest.mark.parametrize("toy", [Toy(follows=False), Toy(has_transactions=False)], ids=["alone", "hand-overs alone"])
def test_a_protocol_without_transactions_is_described(toy: Toy) -> None:
    engine = engine_with(toy)
    engine.process(ask(b"toy\n"))
    assert the_flow(engine).facts == {"toy.kind": "toy", "toy.word": "toy"}
    assert toy.described == 1


def test_the_facts_of_a_transaction_stand_for_those_of_the_match() -> None:
    toy = Toy()
    engine = engine_with(toy)
    engine.process(ask(b"toy\n"))
    assert the_flow(engine).facts == {"toy.line": "toy\n"}
    assert toy.described == 0


def test_until_there_is_a_transaction_the_match_is_described() -> None:
    toy = Toy()
    engine = engine_with(toy)
    engine.process(ask(b"toy"))
    assert the_flow(engine).facts == {"toy.kind": "toy", "toy.word": "toy"}
    engine.process(ask(b" two\n"))
    assert the_flow(engine).facts == {"toy.line": " two\n"}


def test_a_name_that_transactions_confirm_is_not_asked_for_again() -> None:
    toy = Toy()
    engine = engine_with(toy)
    engine.process(ask(b"toy\n"))
    engine.process(tell(b"yes"))
    assert the_flow(engine).confirmed
    assert toy.asked == 1


def test_before_a_transaction_the_detector_confirms() -> None:
    toy = Toy()
    engine = engine_with(toy)
    engine.process(ask(b"toy"))
    engine.process(tell(b"yes"))
    assert the_flow(engine).confirmed
    assert toy.asked == 2


def test_where_another_protocol_begins_the_detector_says_whether_the_outer_name_is_proved() -> None:
    toy = Toy()
    engine = engine_with(toy)
    engine.process(ask(b"toy\n"))
    engine.process(tell(b">"))
    flow = the_flow(engine)
    assert (flow.app_proto, flow.confirmed, flow.app_proto_outer) == ("toy", True, ("toy",))
    assert toy.asked == 2


def test_a_match_described_has_all_facts_and_equals_another_with_the_same_answers() -> None:
    match = Match("toy", {"a": 1}, False, describe=lambda: {"b": 2})
    assert match.described() == Match("toy", {"a": 1, "b": 2}, False)
    assert match == Match("toy", {"a": 1}, False)
    assert match.described().described().facts == {"a": 1, "b": 2}
