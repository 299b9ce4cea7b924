"""Layer Two Tunnelling Protocol, versions 2 and 3 over UDP: control messages, and PPP in data messages of version 2.

:checked: the flags and version of a control message, a length that is the datagram's, and a message type as the first
    value; of a data message its flags, a length that is the datagram's, and an IP packet in PPP that ends with it, or a
    message of one of PPP's control protocols that does
:source: RFC 2661 sections 3.1, 4.1; RFC 3931 sections 3.2.1, 4.1.2.1, 5.1; RFC 1661 sections 2, 5; RFC 1332; RFC 5072
:minimum: the first datagram, 12 bytes
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ip_packet
from ..parsing.wire import u16

api_version = 1
protocols = ("l2tp",)
transport = "udp"
tier = "structural"
#: a control message, and the flags that a data message may have: length, sequence numbers, offset, priority
first_client = b"\xc8" + bytes(flags for flags in range(0x50) if not flags & 0x34)
first_server = None

_HEADER: Final = 12
#: mandatory or not, eight bytes, no vendor, attribute 0
_LENGTH_BIT: Final = 0x40
_SEQUENCE_BIT: Final = 0x08
_OFFSET_BIT: Final = 0x02
#: of PPP: IPv4 and IPv6; link, network, password and challenge protocols, whose messages have a length
_IP: Final = (0x0021, 0x0057)
_CONTROL: Final = (0xC021, 0x8021, 0x8057, 0x80FD, 0xC023, 0xC223)
_MESSAGE_TYPES: Final = (b"\x80\x08\0\0\0\0", b"\0\x08\0\0\0\0")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect L2TP."""
    return by_datagram("l2tp", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """Control messages of two types, one of which may be none; what PPP says to what it was asked."""
    if one[0] == other[0] == 0xC8:
        return one[1] == other[1] and one[18:20] != other[18:20]
    at, other_at = _carried_at(one), _carried_at(other)
    if not at or not other_at or one[at : at + 2] != other[other_at : other_at + 2]:
        return False
    if u16(one, at) in _IP:
        return change_places(one, at + 2, other, other_at + 2)
    return one[at + 2] != other[other_at + 2] and one[at + 3] == other[other_at + 3]


def _message(data: bytes) -> Evidence:
    size = len(data)
    if data[0] != 0xC8:
        return {"version": 2} if _carries_ppp(data) else NO
    if size < _HEADER or data[1] not in (2, 3) or u16(data, 2) != size:
        return NO
    return {"version": data[1]} if size == _HEADER or data.startswith(_MESSAGE_TYPES, _HEADER) else NO


def _carries_ppp(data: bytes) -> bool:
    """Return True for a data message of version 2 with a whole IP packet or control message in it."""
    size = len(data)
    at = _carried_at(data)
    if not at:
        return False
    protocol = u16(data, at)
    if protocol in _IP:
        return ip_packet(data, at + 2)
    return protocol in _CONTROL and data[at + 2] in range(1, 16) and u16(data, at + 4) == size - at - 2


def _carried_at(data: bytes) -> int:
    """Return where PPP's protocol is in a data message of version 2, 0 where there is none."""
    size = len(data)
    if size < _HEADER or data[1] != 2 or data[0] not in first_client:
        return 0
    at = 6
    if data[0] & _LENGTH_BIT:
        if u16(data, 2) != size:
            return 0
        at += 2
    if data[0] & _SEQUENCE_BIT:
        at += 4
    if data[0] & _OFFSET_BIT and at + 2 <= size:
        at += 2 + u16(data, at)
    if data[at : at + 2] == b"\xff\3":
        at += 2
    return at if at + 6 <= size else 0
