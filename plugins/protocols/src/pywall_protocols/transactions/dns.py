"""DNS: every question with its answer, several on one socket or connection, in any order.

An answer belongs to the open question of the same id (RFC 1035 section 4.1.1, RFC 7766 section 7). One without a
question is a transaction of its own, as is a message that asks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import NO, Ambiguous, Carried, HandOver, Transaction

from ..parsing.dns_damage import worth_waiting
from ..parsing.dns_message import add_facts, grade_message, header_fits, question_names
from ..parsing.wire import cut, u16
from .pairs import Found, Pairs, Step
from .saving import Saved

#: The carrier of messages, as far as names and records may carry something.
MESSAGES: Final = "dns.tunnel"
#: Bytes of a message over TCP that are read: questions stand at its beginning.
_READ: Final = 4096
#: Bytes of what is no message over TCP that servers pass over, to read the next one.
SHORT: Final = 512


@final
class DnsTransactions(Saved):
    """The parser of one flow; ``stream``: messages have their length before them (RFC 1035 section 4.2.2)."""

    __slots__ = ("_carried", "_pairs", "_rest", "_skip", "_stream", "carries", "confirmed", "has_transactions", "over")

    def __init__(self, *, stream: bool) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        #: carriers that rules ask about
        self.carries: frozenset[str] = frozenset()
        self._carried: tuple[Carried, ...] = ()
        self._stream = stream
        #: over TCP an answer may be read before its question
        self._pairs = Pairs(keep_early=stream)
        #: over TCP, of server and client: bytes of a message that is not all there, and how many more are passed over
        self._rest = (b"", b"")
        self._skip = (0, 0)

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "_pairs",
            "_rest",
            "_skip",
        )

    def copy(self) -> DnsTransactions:
        """Return a parser in the same state."""
        other = DnsTransactions(stream=self._stream)
        other.confirmed, other._pairs = self.confirmed, self._pairs.copy()
        other._rest, other._skip, other.carries = self._rest, self._skip, self.carries
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step | Carried]:
        """Read a datagram, or the next bytes of a connection."""
        found: Found = []
        self._read(to_server, data, found)
        if not self._carried:
            return found
        carried, self._carried = self._carried, ()
        return [*carried, *found]

    def _read(self, to_server: bool, data: bytes, found: Found) -> None:
        if not self._stream:
            if not self._message(to_server, data, found):
                found.append(_something_else(to_server, data))
            return
        skipped = self._skip[to_server]
        at = min(skipped, len(data))
        skip = skipped - at
        rest = self._rest[to_server] + data[at:]
        at = 0
        while len(rest) >= at + 2:
            length = u16(rest, at)
            fits = length >= 12 and (len(rest) < at + 14 or header_fits(rest[at + 2 : at + 14], length))
            end = at + 2 + min(length, _READ)
            if (fits or length <= SHORT) and len(rest) < end:
                break
            if not (fits or length <= SHORT) or not self._message(to_server, cut(rest, at + 2, end), found):
                if length > SHORT:
                    found.append(_something_else(to_server, rest[at:]))
                    return
                found.append(Ambiguous("message"))
            beyond = at + 2 + length
            skip = max(0, beyond - len(rest))
            at = min(beyond, len(rest))
        sides = (rest[at:], self._rest[1]) if not to_server else (self._rest[0], rest[at:])
        self._rest = sides
        self._skip = (skip, self._skip[1]) if not to_server else (self._skip[0], skip)

    def gap(self, to_server: bool, size: int) -> bool:
        """A lost part of a connection leaves no way to find the next message."""
        return not self._stream

    def finish(self) -> Sequence[Transaction]:
        """Return the questions without an answer."""
        return self._pairs.finish()

    def _message(self, to_server: bool, message: bytes, found: Found) -> bool:
        """Take one message; False when it is none."""
        if len(message) < 12:
            return False
        number = message[:2]
        asked = self._pairs.is_open(number)
        if grade_message(message, message if asked else b"") is NO and not worth_waiting(message):
            return False
        if MESSAGES in self.carries:
            self._carried = (*self._carried, Carried(MESSAGES, to_server, message))
        if not message[2] & 0x80:
            self._pairs.ask(number, _facts(message), found)
        elif to_server and not asked:
            self._pairs.tell(_facts(message), found)
        else:
            self._pairs.answer(number, _facts(message), found)
        return True


def _facts(message: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    add_facts(facts, message)
    names = question_names(message)
    if len(names) > 1:
        facts["rrname"] = names
    return facts


def _something_else(to_server: bool, data: bytes) -> HandOver:
    return HandOver(data, b"", False) if to_server else HandOver(b"", data, False)
