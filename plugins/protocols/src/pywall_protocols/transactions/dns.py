"""DNS: every question with its answer, several on one socket or connection, in any order.

An answer belongs to the open question of the same id (RFC 1035 section 4.1.1, RFC 7766 section 7). One without a
question is a transaction of its own, as is a message that asks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import NO, HandOver, Transaction

from ..parsing.dns_damage import worth_waiting
from ..parsing.dns_message import add_facts, header_fits, judge_message, question_names
from ..parsing.wire import cut, u16

#: Questions that wait for their answer; when there are more the oldest has its event without one.
_MOST_OPEN: Final = 64
_MOST_EARLY: Final = 16
#: Bytes of a message over TCP that are read: questions stand at its beginning.
_READ: Final = 4096

#: Id, number and facts of a question without an answer.
_Question = tuple[bytes, int, dict[str, Any]]


@final
class DnsTransactions:
    """The parser of one flow; ``stream``: messages have their length before them (RFC 1035 section 4.2.2)."""

    __slots__ = ("_early", "_open", "_rest", "_skip", "_stream", "confirmed", "has_transactions", "number", "over")

    def __init__(self, *, stream: bool) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self.number = 0
        self._stream = stream
        self._open: tuple[_Question, ...] = ()
        #: over TCP: answers that were read before their question
        self._early: tuple[bytes, ...] = ()
        #: over TCP, of server and client: bytes of a message that is not all there, and how many more are passed over
        self._rest = (b"", b"")
        self._skip = (0, 0)

    def copy(self) -> DnsTransactions:
        """Return a parser in the same state."""
        other = DnsTransactions(stream=self._stream)
        other.confirmed, other.number = self.confirmed, self.number
        other._early = self._early
        other._open, other._rest, other._skip = self._open, self._rest, self._skip
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Transaction | HandOver]:
        """Read a datagram, or the next bytes of a connection."""
        found: list[Transaction | HandOver] = []
        if not self._stream:
            if not self._message(to_server, data, found):
                found.append(_something_else(to_server, data))
            return found
        skipped = self._skip[to_server]
        at = min(skipped, len(data))
        skip = skipped - at
        rest = self._rest[to_server] + data[at:]
        at = 0
        while len(rest) >= at + 2:
            length = u16(rest, at)
            wrong = length < 12 or (len(rest) >= at + 14 and not header_fits(rest[at + 2 : at + 14], length))
            end = at + 2 + min(length, _READ)
            if not wrong and len(rest) < end:
                break
            if wrong or not self._message(to_server, cut(rest, at + 2, end), found):
                found.append(_something_else(to_server, rest[at:]))
                return found
            beyond = at + 2 + length
            skip = max(0, beyond - len(rest))
            at = min(beyond, len(rest))
        sides = (rest[at:], self._rest[1]) if not to_server else (self._rest[0], rest[at:])
        self._rest = sides
        self._skip = (skip, self._skip[1]) if not to_server else (self._skip[0], skip)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """A lost part of a connection leaves no way to find the next message."""
        return not self._stream

    def finish(self) -> Sequence[Transaction]:
        """Return the questions without an answer."""
        left = [Transaction(number, facts, True) for _, number, facts in self._open]
        early, self._open, self._early = self._early, (), ()
        for message in early:
            left.append(Transaction(self.number, _facts(message), True))
            self.number += 1
        return left

    def _message(self, to_server: bool, message: bytes, found: list[Transaction | HandOver]) -> bool:
        """Take one message; False when it is none."""
        if len(message) < 12:
            return False
        asked = next((question for question in self._open if question[0] == message[:2]), None)
        if judge_message(message, message if asked else b"") is NO and not worth_waiting(message):
            return False
        if message[2] & 0x80:
            if asked is not None:
                self._open = tuple(question for question in self._open if question is not asked)
                found.append(Transaction(asked[1], {**_facts(message), **asked[2]}, True))
            elif self._stream and not to_server and len(self._early) < _MOST_EARLY:
                self._early = (*self._early, message)
            else:
                found.append(Transaction(self.number, _facts(message), True))
                self.number += 1
            return True
        self._ask(message, found)
        return True

    def _ask(self, message: bytes, found: list[Transaction | HandOver]) -> None:
        facts = _facts(message)
        early = next((answer for answer in self._early if answer[:2] == message[:2]), None)
        if early is not None:
            self._early = tuple(answer for answer in self._early if answer is not early)
            found.append(Transaction(self.number, {**_facts(early), **facts}, True))
        else:
            if len(self._open) >= _MOST_OPEN:
                found.append(Transaction(self._open[0][1], self._open[0][2], True))
                self._open = self._open[1:]
            self._open = (*self._open, (message[:2], self.number, facts))
            found.append(Transaction(self.number, facts))
        self.number += 1


def _facts(message: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    add_facts(facts, message)
    names = question_names(message)
    if len(names) > 1:
        facts["rrname"] = names
    return facts


def _something_else(to_server: bool, data: bytes) -> HandOver:
    return HandOver(data, b"", False) if to_server else HandOver(b"", data, False)
