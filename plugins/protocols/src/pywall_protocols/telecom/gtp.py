"""GPRS Tunnelling Protocol: user and control plane, versions 0 to 2, and GTP' for charging.

:checked: version, a known message, and a length that is the datagram's; of user data the extension headers and the IP
    packet inside, without which user data confirms nothing; of control messages of version 2 that their elements fill
    the datagram
:source: 3GPP TS 29.281 section 5 (user plane), 29.060 section 6 (version 1), 29.274 section 5 (version 2), 09.60
    (version 0), 32.295 section 6 (GTP')
:minimum: the first datagram, 6 bytes
:facts: version, message_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ip_packet
from ..parsing.wire import first_datagram, u16

api_version = 1
protocols = ("gtp",)
transport = "udp"
tier = "structural"
first_client = bytes((*range(0x0E, 0x10), 0x1E, 0x1F, *range(0x2E, 0x38), *range(0x40, 0x60)))
first_server = first_client

_PROTOCOL_TYPE: Final = 0x10
_OPTIONAL: Final = 0x07  # extension header, sequence number, N-PDU number
_EXTENSION: Final = 0x04
_VERSION_NOT_SUPPORTED: Final = 3
_PDU: Final = 0xFF
_V1_TYPES: Final = frozenset(
    (*range(1, 8), *range(16, 39), 26, 27, *range(48, 63), *range(70, 71), *range(96, 106), *range(112, 122), 128, 129)
)
_V1_USER_TYPES: Final = frozenset({1, 2, 3, 26, 31, 253, 254, _PDU})
_V2_TYPES: Final = frozenset(
    (1, 2, 3, *range(4, 18), *range(25, 42), *range(64, 74), *range(95, 104), *range(128, 171), 176, 177)
)
_CHARGING_TYPES: Final = frozenset((*range(1, 8), 240, 241))
_V0_TYPES: Final = frozenset((*range(1, 8), *range(16, 30), *range(32, 38), *range(48, 55), 240, 241, _PDU))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect GTP."""
    found = by_datagram("gtp", _message, flow, client, server, _belong, always=True)
    if isinstance(found, Match) and found.confirmed:
        sides = (first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes))
        if not all(_tells(message) for message in sides):
            return Match("gtp", found.facts, confirmed=False)
    return found


def _belong(one: bytes, other: bytes) -> bool:
    """A request and the response with its number, which has another type; packets that go to and fro."""
    version = one[0] >> 5
    if version != other[0] >> 5:
        return other[1] == _VERSION_NOT_SUPPORTED
    if one[1] == other[1] == _PDU:
        at, other_at = (_behind_header(message) if version else 20 for message in (one, other))
        return not is_copy(one, other) or change_places(one, at, other, other_at)
    return one[1] != other[1] and (_PDU in (one[1], other[1]) or _number(one) == _number(other))


def _number(message: bytes) -> bytes:
    """Return the sequence number, nothing where the message has none."""
    version = message[0] >> 5
    if version == 2:
        at = 8 if message[0] & 8 else 4
        return message[at : at + 3]
    if version == 1 and not message[0] & _OPTIONAL:
        return b""
    at = 8 if version == 1 else 4
    return message[at : at + 2]


def _tells(message: bytes) -> bool:
    """Return True if what the message carries is looked into: a session may carry anything that is not IP."""
    return message[1] != _PDU or message[0] >> 5 == 0 or ip_packet(message, _behind_header(message))


def _message(data: bytes) -> Evidence:
    if len(data) < 6:
        return NO
    version, kind = data[0] >> 5, data[1]
    length = u16(data, 2)
    rest = len(data) - length
    if not data[0] & _PROTOCOL_TYPE and version < 2:
        holds = rest in (6, 20) and kind in _CHARGING_TYPES
    elif version == 0:
        holds = rest == 20 and kind in _V0_TYPES and data[9:12] == b"\xff\xff\xff"
    elif version == 1:
        holds = rest == 8 and not data[0] & 8 and _is_version_1(data, kind)
    else:
        holds = version == 2 and not data[0] & 3 and kind in _V2_TYPES and _is_version_2(data, 4 + length)
    return {"version": version, "message_type": kind} if holds else NO


def _behind_header(data: bytes) -> int:
    """Return the offset behind the header of version 1 and its extensions, 0 where one is wrong."""
    if not data[0] & _OPTIONAL:
        return 8
    at = 12
    if len(data) < at:
        return 0
    following = data[11] if data[0] & _EXTENSION else 0
    while following:
        if at >= len(data) or not data[at]:
            return 0
        at += data[at] * 4
        if at > len(data):
            return 0
        following = data[at - 1]
    return at


def _is_version_1(data: bytes, kind: int) -> bool:
    at = _behind_header(data)
    if not at:
        return False
    if kind == _PDU:
        return at < len(data)
    # an element with a length of its own (types from 128) fits, others have a fixed size
    if kind not in _V1_TYPES and kind not in _V1_USER_TYPES:
        return False
    return len(data) < at + 3 or data[at] < 128 or at + 3 + u16(data, at + 1) <= len(data)


def _is_version_2(data: bytes, end: int) -> bool:
    """The elements from the header's end to the message's; another message may follow (bit 5)."""
    if end > len(data) or (end < len(data) and not data[0] & 0x10):
        return False
    at = 12 if data[0] & 8 else 8
    while at + 4 <= end:
        if not data[at]:
            return False
        at += 4 + u16(data, at + 1)
    return at == end
