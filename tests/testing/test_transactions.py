"""The contract passes an honest parser and finds each kind of dishonest one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import pytest

from pywall_core.api import Carried, Flow, HandOver, Transaction
from pywall_core.testing import find_transactions, transaction_contract


class Lines:
    """A transaction for each line of the client; BEGIN hands over."""

    confirmed = True
    has_transactions = True

    def __init__(self) -> None:
        self.waiting = b""
        self.number = 0

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried]:
        found: list[Transaction | HandOver | Carried] = []
        if not to_server:
            return found
        *lines, self.waiting = (self.waiting + data).split(b"\n")
        for at, line in enumerate(lines):
            if line == b"BEGIN":
                return [*found, HandOver(b"\n".join([*lines[at + 1 :], self.waiting]))]
            found.append(self.one(line))
        return found

    def one(self, line: bytes) -> Transaction:
        self.number += 1
        return Transaction(self.number - 1, {"line": line.decode("latin-1")}, True)

    def finish(self) -> Sequence[Transaction]:
        return ()

    def copy(self) -> Lines:
        return copy(self)

    def save(self) -> Any:
        return [self.waiting.hex(), self.number]

    def load(self, saved: Any) -> None:
        waiting, number = saved
        if type(number) is not int or not isinstance(waiting, str):
            raise ValueError("not the state of this parser")
        self.waiting, self.number = bytes.fromhex(waiting), number


class ByChunk(Lines):
    """Takes each segment for a line."""

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver | Carried]:
        return [self.one(data)] if to_server else []


class Shares(Lines):
    """A copy has its list, and so its number, in common with the parser that it was made of."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []

    def one(self, line: bytes) -> Transaction:
        self.numbers.append(0)
        return Transaction(len(self.numbers) - 1, {"line": line.decode("latin-1")}, True)


class Forgets(Lines):
    """Does not save the number."""

    def save(self) -> Any:
        return [self.waiting.hex(), 0]


class Believes(Lines):
    """Looks into a state without a look at what it is."""

    def load(self, saved: Any) -> None:
        self.number = len(saved[1].keys())


class Raises(Lines):
    """Cannot read bytes above 127."""

    def one(self, line: bytes) -> Transaction:
        return Transaction(self.number, {"line": line.decode("ascii")}, True)


class Hoards(Lines):
    """Keeps a thousand times what was said."""

    def one(self, line: bytes) -> Transaction:
        self.number += 1
        return Transaction(self.number - 1, {"line": line.decode("latin-1") * 10_000}, True)


class Twice(Lines):
    """Completes its first transaction again and again."""

    def one(self, line: bytes) -> Transaction:
        return Transaction(0, {"line": line.decode("latin-1")}, True)


class Plugin:
    def __init__(self, parser: type[Lines]) -> None:
        self._parser = parser

    def pywall_transactions(self, flow: Flow) -> Lines:
        return self._parser()


TALK = (b"first line\nsecond\n\nthird\nBEGIN\nwhat is inside", b"")
TestLines = transaction_contract(Plugin(Lines), [TALK, (b"alone", b"")])


def test_what_is_found() -> None:
    found = find_transactions(Plugin(Lines), TALK)
    assert [facts["line"] for facts in found.complete.values()] == ["first line", "second", "", "third"]
    assert found.hand_over == HandOver(b"what is inside")


@pytest.mark.usefixtures("without_shrinking")
@pytest.mark.parametrize(
    ("parser", "broken"),
    [
        (ByChunk, "test_transactions_do_not_depend_on_chunks_and_order"),
        (Shares, "test_a_copy_is_the_same_and_apart"),
        (Forgets, "test_another_process_goes_on"),
        (Believes, "test_any_state_is_taken_or_refused"),
        (Raises, "test_any_input_is_taken"),
        (Hoards, "test_any_input_is_taken"),
        (Twice, "test_transactions_do_not_depend_on_chunks_and_order"),
    ],
)
def test_contract_finds_the_fault(parser: type[Lines], broken: str) -> None:
    suite = transaction_contract(Plugin(parser), [TALK], examples=300)()
    with pytest.raises((AssertionError, AttributeError, UnicodeDecodeError)):
        getattr(suite, broken)()
