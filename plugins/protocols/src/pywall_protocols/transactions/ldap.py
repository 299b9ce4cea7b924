"""LDAP: every operation with its result, by message identifier; StartTLS hands over whenever it comes.

:source: RFC 4511 sections 4.1.1 (messages), 4.2 to 4.12 (operations), 4.14 (StartTLS)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, HandOver, Transaction

from ..parsing.wire import FACT_LENGTH, cut, text, tlv
from .frames import FrameReader
from .pairs import Found, Pairs, Step
from .saving import Saved

OPERATIONS: Final = {
    0x60: "bind_request",
    0x42: "unbind_request",
    0x63: "search_request",
    0x66: "modify_request",
    0x68: "add_request",
    0x4A: "del_request",
    0x6C: "mod_dn_request",
    0x6E: "compare_request",
    0x50: "abandon_request",
    0x77: "extended_request",
}
_RESULTS: Final = {
    0x61: "bind_response",
    0x65: "search_result_done",
    0x67: "modify_response",
    0x69: "add_response",
    0x6B: "del_response",
    0x6D: "mod_dn_response",
    0x6F: "compare_response",
    0x78: "extended_response",
}
#: operations without a result, and messages of the server that are not the last one to a search
_UNANSWERED: Final = (0x42, 0x50)
START_TLS: Final = b"1.3.6.1.4.1.1466.20037"
_MOST_HELD: Final = 65536
_BACKSLASH: Final = 0x5C


_escaped = re.compile(rb"\\([0-9A-Fa-f]{2})").sub


def _dn(raw: bytes) -> str:
    """Return the name of an entry as text, with letters and digits as themselves (RFC 4514 section 2.4)."""
    return text(_escaped(_letter, raw) if _BACKSLASH in raw else raw)


def _letter(found: re.Match[bytes]) -> bytes:
    byte = bytes((int(found[1], 16),))
    return byte if byte.isalnum() else found[0]


def _size(data: bytes) -> int:
    if data[:1] not in (b"", b"0"):
        return -1
    outer = tlv(data, 0)
    if outer is None:
        return -1 if len(data) > 9 else 0
    return outer[2]


@final
class LdapTransactions(Saved):
    """The parser of one connection, or of datagrams (CLDAP)."""

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._pairs = Pairs(keep_early=True)
        self._asked, self._told = FrameReader(_size), FrameReader(_size)
        #: identifier of a StartTLS without its result, and the client's bytes behind it
        self._tls = b""
        self._tail = b""
        self._granted: bytes | None = None
        #: a bind by SASL: what follows may be sealed, each part with its length before it (RFC 4513 section 5.2.1.5)
        self._sealed = False

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "_pairs",
            "_asked",
            "_told",
            "_tls",
            "_tail",
            "_granted",
            "_sealed",
        )

    def copy(self) -> LdapTransactions:
        """Return a parser in the same state."""
        other = LdapTransactions()
        other.confirmed = self.confirmed
        other._pairs, other._asked, other._told = self._pairs.copy(), self._asked.copy(), self._told.copy()
        other._tls, other._tail, other._granted = self._tls, self._tail, self._granted
        other._sealed = self._sealed
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read the next bytes of a direction, or a datagram."""
        found: Found = []
        if to_server:
            self._read_requests(data, found)
        else:
            self._read_results(data, found)
        if self._tls and self._granted is not None and self._granted[: len(self._tls)] == self._tls:
            found.append(HandOver(self._tail, self._granted[len(self._tls) :]))
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless where they would have been passed over."""
        return (self._asked if to_server else self._told).skip(size)

    def finish(self) -> Sequence[Transaction]:
        """Return the operations without a result."""
        return self._pairs.finish()

    def _read_requests(self, data: bytes, found: Found) -> None:
        reader = self._asked
        at = 0
        if self._tls:
            self._tail = (self._tail + data)[:_MOST_HELD]
        while at < len(data):
            message, at = reader.read(data, at)
            if message is None:
                if reader.broken and not self._tls:
                    found.append(HandOver(reader.rest, b"", self._sealed))
                return
            parts = _parts(message)
            if parts is None:
                if not self._tls:
                    found.append(HandOver(message + data[at:], b"", False))
                return
            if parts[1] not in OPERATIONS:  # servers refuse it, and read on
                found.append(Ambiguous("operation"))
                continue
            number, tag, start, end = parts
            facts: dict[str, Any] = {"request.operation": OPERATIONS[tag], "request.message_id": number}
            _name_facts(facts, message, tag, start, end)
            if reader.is_cut and (len(facts) < 3 or len(next(reversed(facts.values()))) == FACT_LENGTH):
                found.append(Ambiguous("long_message"))
            self._sealed = self._sealed or (tag == 0x60 and _is_sasl(message, start, end))
            if tag == 0x77 and START_TLS in cut(message, start, end) and not self._tls:
                self._tls = number.to_bytes(4, "big")
                self._tail = data[at:][:_MOST_HELD]
            self._pairs.ask(number.to_bytes(4, "big"), facts, found, answered=tag not in _UNANSWERED)
            granted = self._granted
            if granted is not None and granted[:4] == number.to_bytes(4, "big") != self._tls:
                self._granted = None  # the result of another extended operation
                self._read_results(granted[4:], found)

    def _read_results(self, data: bytes, found: Found) -> None:
        reader = self._told
        at = 0
        if self._granted is not None:
            self._granted = (self._granted + data)[:_MOST_HELD]
            return
        while at < len(data):
            message, at = reader.read(data, at)
            if message is None:
                return
            parts = _parts(message)
            if parts is None or parts[1] not in _RESULTS:
                continue
            number, tag, start, end = parts
            self.confirmed = True
            code = tlv(message, start, end)
            result = message[code[1]] if code is not None and code[2] == code[1] + 1 <= len(message) else 255
            key = number.to_bytes(4, "big")
            asked = self._pairs.is_open(key)
            self._pairs.answer(key, {"response.operation": _RESULTS[tag], "response.result_code": result}, found)
            # of an operation that has not been read yet it may be StartTLS's, of one that has been read it is not
            if tag == 0x78 and result == 0 and (key == self._tls or not (self._tls or asked)):
                if not self._tls and self._pairs.overflowed:
                    found.append(Ambiguous("many_operations", hides_inner=True))
                self._granted = key + data[at:][:_MOST_HELD]
                return
            if tag == 0x78 and key == self._tls:
                self._tls = self._tail = b""


def _parts(message: bytes) -> tuple[int, int, int, int] | None:
    """Return identifier, tag of the operation, start and end of its contents; None for no message."""
    outer = tlv(message, 0)
    number = tlv(message, outer[1], outer[2]) if outer is not None else None
    if number is None or number[0] != 2 or not 1 <= number[2] - number[1] <= 4 or number[2] >= len(message):
        return None
    operation = tlv(message, number[2])
    if operation is None:
        return None
    return int.from_bytes(cut(message, number[1], number[2]), "big"), operation[0], operation[1], operation[2]


def _is_sasl(message: bytes, start: int, end: int) -> bool:
    version = tlv(message, start, end)
    name = tlv(message, version[2], end) if version is not None else None
    return name is not None and message[name[2] : name[2] + 1] == b"\xa3"


def _name_facts(facts: dict[str, Any], message: bytes, tag: int, start: int, end: int) -> None:
    if tag == 0x60:
        version = tlv(message, start, end)
        name = tlv(message, version[2], end) if version is not None else None
        if name is not None and name[0] == 4:
            facts["request.bind_request.name"] = _dn(cut(message, name[1], name[2]))
    elif tag == 0x63:
        base = tlv(message, start, end)
        if base is not None and base[0] == 4:
            facts["request.search_request.base_object"] = _dn(cut(message, base[1], base[2]))
    elif tag == 0x4A:
        facts["request.del_request.dn"] = _dn(cut(message, start, end))
    elif tag in (0x66, 0x68, 0x6C, 0x6E):
        entry = tlv(message, start, end)
        if entry is not None and entry[0] == 4:
            facts[f"request.{OPERATIONS[tag]}.entry"] = _dn(cut(message, entry[1], entry[2]))
