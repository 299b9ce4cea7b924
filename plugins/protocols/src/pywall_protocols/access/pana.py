"""Protocol for carrying Authentication for Network Access.

:checked: reserved bytes, a length that is the datagram's, flags, a known message with the flags and the session that
    it has, and values that fill it
:source: RFC 5191 sections 6.2, 6.3, 7
:minimum: the first datagram, 16 bytes
:facts: message_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("pana",)
transport = "udp"
tier = "structural"
first_client = b"\0"
first_server = b"\0"

_HEADER: Final = 16
_RESERVED_FLAGS: Final = 0x03FF
_INITIATION: Final = 1
_NOTIFICATION: Final = 4
_REQUEST: Final = 0x80
_PING: Final = 0x0800
_VENDOR: Final = 0x8000


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PANA."""
    return by_datagram("pana", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and its answer, or two kinds of messages (RFC 5191 section 6.2)."""
    return one[6:8] != other[6:8] or (one[4] ^ other[4]) & _REQUEST != 0


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < _HEADER or u16(data, 0) or u16(data, 2) != size or size % 4:
        return NO
    flags, kind = u16(data, 4), u16(data, 6)
    if flags & _RESERVED_FLAGS or not _INITIATION <= kind <= _NOTIFICATION:
        return NO
    if kind == _INITIATION:
        if flags or any(data[8:_HEADER]):
            return NO
    elif not u32(data, 8) or (size == _HEADER and not (kind == _NOTIFICATION and flags & _PING)):
        return NO
    at = _HEADER
    while at + 8 <= size:
        if not 1 <= u16(data, at) <= 9 and not u16(data, at + 2) & _VENDOR:
            return NO
        at += 8 + (4 if u16(data, at + 2) & _VENDOR else 0) + (u16(data, at + 4) + 3 & ~3)
    return {"message_type": kind} if at == size else NO
