"""STUN and TURN over UDP and TCP, by header and attributes.

:checked: two zero bits, the length (which UDP's datagram must equal), the magic cookie, and that the attributes'
    lengths add up; without the cookie (RFC 3489) a binding or shared secret message; over TCP also with RFC 4571's
    length before; confirmed by a response with the identifier of the other side's request
:source: RFC 8489 sections 5, 14; RFC 8656 section 17; RFC 3489 section 11.1; RFC 4571
:minimum: one datagram of 20 bytes
:facts: method, software
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import alike
from ..parsing.wire import datagrams, first_datagram, text, u16
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("stun",)
transport = ("tcp", "udp")
tier = "exact"
#: 0 to 3 begin a message, 8 one of WhatsApp's; a length of RFC 4571 before it begins with 0 to 5: the datagrams of a
#: call have at most 1,500 bytes.
FIRST: Final = b"\0\1\2\3\4\5\x08"
first_client = first_server = FIRST

COOKIE: Final = b"\x21\x12\xa4\x42"
METHODS: Final = {
    0x001: "binding",
    0x002: "shared-secret",
    0x003: "allocate",
    0x004: "refresh",
    0x006: "send",
    0x007: "data",
    0x008: "create-permission",
    0x009: "channel-bind",
    0x00A: "connect",
    0x00B: "connection-bind",
    0x00C: "connection-attempt",
    0x080: "goog-ping",
}
SOFTWARE: Final = 0x8022
_HEADER: Final = 20
#: where the transaction's identifier begins, and the bit of the first byte that a success and an error have
_ID: Final = 8
_RESPONSE: Final = 1
#: control message and data, over TCP
_MICROSOFT_FRAMES: Final = (2, 3)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect STUN."""
    if flow.proto == TCP:
        sent, received = client[_framed(client) :], server[_framed(server) :]
        answer = alike("stun", _over_tcp(sent), _over_tcp(received))
        answered = _answers([received], client) or _answers([sent], server)
    else:
        sent, received = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        answer = alike("stun", _says(sent), _says(received))
        answered = _answers(datagrams(server, flow.server_sizes), client) or _answers(
            datagrams(client, flow.client_sizes), server
        )
    if not isinstance(answer, Match):
        return answer
    if answer.confirmed and not answered:
        answer = Match("stun", confirmed=False, done=False)
    facts: dict[str, Any] = {}
    complete = True
    for message in (received, sent):
        end = _HEADER + u16(message, 2) if len(message) >= _HEADER else 0
        if 0 < end <= len(message):
            _facts(facts, message[:end])
        complete = complete and end <= len(message)
    return Match("stun", facts, answer.confirmed, done=complete and answer.done)


pywall_transactions = watch_for_tls


def _answers(messages: Iterable[bytes], other: bytes) -> bool:
    """Return True if one of the messages is a response to a request that the other side has sent: indications alone may
    carry anything, and nobody is asked."""
    return any(
        len(message) >= _HEADER and message[0] & _RESPONSE and message[_ID:_HEADER] in other for message in messages
    )


def _method(message: bytes) -> int:
    """Return the method without the two bits of the class, which stand among its own."""
    kind = u16(message, 0)
    return kind & 0xF | (kind & 0xE0) >> 1 | (kind & 0x3E00) >> 2


def _says(message: bytes) -> Answer:
    """YES for a whole message."""
    size = len(message)
    if not size:
        return MORE
    if size < _HEADER or message[0] not in FIRST or _HEADER + u16(message, 2) != size:
        return NO
    attributes = _attributes(message)
    if message[4:8] == COOKIE:
        return YES if attributes is not None else NO
    classic = message[0] <= 1 and _method(message) <= 2 and any(message[4:_HEADER])
    return YES if classic and (attributes or message[:2] == b"\0\1") else NO


def _attributes(message: bytes) -> list[tuple[int, int, int]] | None:
    """Return type, start and length of each attribute; None when their lengths do not add up.

    RFC 8489 section 14 pads each to 4 bytes. RFC 3489 had no padding, nor has Microsoft's TURN ([MS-TURN] 2.2.2).
    """
    padded = _walk(message, 4)
    return padded if padded is not None else _walk(message, 1)


def _walk(message: bytes, unit: int) -> list[tuple[int, int, int]] | None:
    """Return the attributes as they lie when each but the last begins at a multiple of ``unit``."""
    found = []
    at, size = _HEADER, len(message)
    while at + 4 <= size:
        length = u16(message, at + 2)
        found.append((u16(message, at), at + 4, length))
        at += 4 + length
        if at > size:
            return None
        if at < size:
            at += -at % unit
    return found if at >= size else None


def _framed(data: bytes) -> int:
    """Return the bytes before the first message: 2 of RFC 4571's length, 4 of Microsoft's framing ([MS-TURN] 2.2.4), or
    none.
    """
    if data[4:8] == COOKIE or data[:1] not in FIRST:
        return 0
    if len(data) >= 10 and data[6:10] == COOKIE:
        return 2
    return 4 if len(data) >= 12 and data[8:12] == COOKIE and data[0] in _MICROSOFT_FRAMES and not data[1] else 0


def _over_tcp(data: bytes) -> Answer:
    if len(data) < _HEADER:
        begins = data[:1] in FIRST and (len(data) < 12 or COOKIE in (data[4:8], data[6:10], data[8:12]))
        return MORE if begins else NO
    return YES if data[0] in FIRST and data[4:8] == COOKIE else NO


def _facts(facts: dict[str, Any], message: bytes) -> None:
    facts["method"] = METHODS.get(_method(message), f"0x{_method(message):03x}")
    for kind, at, length in _attributes(message) or ():
        if kind == SOFTWARE:
            facts["software"] = text(message[at : at + length].rstrip(b"\0"))
