"""RADIUS and SIP: requests with their answers, by identifiers in both; a datagram or a stream of messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, HandOver, Transaction

from ..parsing.wire import cut, text, u16
from .pairs import Found, Pairs, Step
from .saving import Saved

#: Bytes of a SIP message over TCP whose head is waited for.
_LONGEST_HEAD: Final = 16384
_MOST_NAMES: Final = 16
_RADIUS_REQUESTS: Final = frozenset({1, 4, 12, 13, 40, 43})
_request = re.compile(rb"([A-Z]{3,20}) (\S{1,2048}) (SIP/2\.0)\r?\n").match
_status = re.compile(rb"(SIP/2\.0) ([1-6]\d\d)(?: ([^\r\n]*))?").match
_head_end = re.compile(rb"\r?\n\r?\n").search
_field = {
    name: re.compile(rb"\r?\n(?:" + pattern + rb")[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE).search
    for name, pattern in {
        "call_id": b"Call-ID|i",
        "cseq": b"CSeq",
        "from": b"From|f",
        "to": b"To|t",
        "user_agent": b"User-Agent",
        "length": b"Content-Length|l",
    }.items()
}
_all_lengths = re.compile(rb"\n(?:Content-Length|l)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE).findall


@final
class RadiusTransactions:
    """An answer has the identifier of its request (RFC 2865 section 3)."""

    def __init__(self, codes: dict[int, str]) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._codes = codes
        self._pairs = Pairs(keep_early=False)

    def copy(self) -> RadiusTransactions:
        """Return a parser in the same state."""
        other = RadiusTransactions(self._codes)
        other.confirmed, other._pairs = self.confirmed, self._pairs.copy()
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read a datagram."""
        found: Found = []
        if len(data) < 20 or data[0] not in self._codes or not 20 <= u16(data, 2) <= len(data):
            return [HandOver(data if to_server else b"", b"" if to_server else data, False)]
        facts: dict[str, Any] = {"code": self._codes[data[0]]}
        at = 20
        names: dict[str, None] = {}
        while at + 2 <= u16(data, 2) and data[at + 1] >= 2:
            if data[at] == 1:
                names[text(cut(data, at + 2, at + data[at + 1]))] = None
            at += data[at + 1]
        if names:  # which of several counts differs between servers
            facts["user_name"] = next(iter(names)) if len(names) == 1 else list(names)[:_MOST_NAMES]
        if data[0] in _RADIUS_REQUESTS:
            self._pairs.ask(data[1:2], facts, found)
        else:
            self._pairs.answer(data[1:2], {"reply_code": facts.pop("code"), **facts}, found)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Datagrams have no order."""
        return True

    def finish(self) -> Sequence[Transaction]:
        """Return the requests without an answer."""
        return self._pairs.finish()


@final
class SipTransactions(Saved):
    """A final response has Call-ID and CSeq of its request (RFC 3261 section 17.1.3). Either side asks."""

    def __init__(self, *, stream: bool) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._stream = stream
        self._pairs = Pairs(keep_early=stream)
        #: over TCP, of server and client: bytes of a head that is not complete, and bytes of a body that follow
        self._rest = (b"", b"")
        self._left = (0, 0)

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "_pairs",
            "_rest",
            "_left",
        )

    def copy(self) -> SipTransactions:
        """Return a parser in the same state."""
        other = SipTransactions(stream=self._stream)
        other.confirmed, other._pairs = self.confirmed, self._pairs.copy()
        other._rest, other._left = self._rest, self._left
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read a datagram, or the next bytes of a connection."""
        found: Found = []
        if not self._stream:
            if self._message(data.lstrip(b"\r\n\0 "), found) < 0 and to_server and b"SIP/" in data.upper():
                found.append(Ambiguous("message"))
            return found
        passed = min(self._left[to_server], len(data))
        left = self._left[to_server] - passed
        rest = self._rest[to_server] + data[passed:]
        while not left:
            rest = rest.lstrip(b"\r\n")
            end = _head_end(rest)
            if end is None:
                break
            head = rest[: end.end()]
            if to_server and head.count(b"\n") != head.count(b"\r\n"):
                found.append(Ambiguous("line_ends"))
            length = self._message(head, found)
            if length < 0:
                return [*found, HandOver(rest if to_server else b"", b"" if to_server else rest, False)]
            left = max(0, end.end() + length - len(rest))
            rest = rest[end.end() + length :]
        if len(rest) > _LONGEST_HEAD:
            found.append(Ambiguous("long_head"))
        rest = rest[:_LONGEST_HEAD]
        self._rest = (self._rest[0], rest) if to_server else (rest, self._rest[1])
        self._left = (self._left[0], left) if to_server else (left, self._left[1])
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """A lost part of a connection leaves no way to find the next message."""
        return not self._stream

    def finish(self) -> Sequence[Transaction]:
        """Return the requests without an answer."""
        return self._pairs.finish()

    def _message(self, message: bytes, found: Found) -> int:
        """Take a message. Return the length of its body, -1 where it is none."""
        request = _request(message)
        status = None if request else _status(message)
        if request is None and status is None:
            return -1
        call_id, cseq, length = (_value(message, name) for name in ("call_id", "cseq", "length"))
        key = call_id + b"\n" + cseq
        lengths = _lengths(message)
        if len(lengths) > 1 or not all(value.isdigit() and len(value) < 10 for value in lengths):
            found.append(Ambiguous("length"))
        if request is not None:
            facts: dict[str, Any] = {"method": text(request[1]), "uri": text(request[2]), "version": text(request[3])}
            for name in ("from", "to", "user_agent"):
                if value := _value(message, name):
                    facts[name] = text(value)
            self._pairs.ask(key, facts, found, answered=request[1] != b"ACK")
        elif status is not None and status[2][:1] != b"1":  # a provisional one is followed by another
            self._pairs.answer(key, {"code": text(status[2]), "reason": text(status[3] or b"")}, found)
        return int(length) if length.isdigit() and len(length) < 10 else 0


def _lengths(message: bytes) -> set[bytes]:
    """Return the lengths that a message gives for its body; one that is folded is empty."""
    return {value.strip() for value in _all_lengths(message)}


def _value(message: bytes, name: str) -> bytes:
    found = _field[name](message)
    return found[1].strip() if found is not None else b""
