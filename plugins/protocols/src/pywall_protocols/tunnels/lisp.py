"""Locator/ID Separation Protocol: control messages, and data.

:checked: of control messages that their records, addresses and authentication fill the datagram; of encapsulated ones
    and of data that an IP packet follows the header and ends with the datagram
:source: RFC 9301 section 5 (control), RFC 9300 section 5 (data); RFC 8060 (addresses); RFC 9301 section 5.6 (site
    identifiers)
:minimum: the first datagram
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ip_packet
from ..parsing.wire import u16

api_version = 1
protocols = ("lisp",)
transport = "udp"
tier = "structural"
first_client = None
first_server = None

_MESSAGES: Final = {
    1: "map-request",
    2: "map-reply",
    3: "map-register",
    4: "map-notify",
    5: "map-notify-ack",
    7: "info",
    8: "encapsulated-control",
}
_HEADER: Final = 12
#: of a record's flags
_RESERVED: Final = 0x0FFF
#: none, and three of HMAC
_LAST_ALGORITHM: Final = 3
#: xTR-ID and site identifier at the end of a registration
_SITE: Final = 24
#: bytes of an address by its address family: none, IPv4, IPv6, MAC
_ADDRESSES: Final = {0: 0, 1: 4, 2: 16, 6: 6, 16389: 6}
_LCAF: Final = 16387
#: an IP header and a UDP header
_ENCAPSULATED: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect LISP."""
    return by_datagram("lisp", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """Two types of control messages, or packets that go to and fro."""
    if one[0] >> 4 != other[0] >> 4:
        return True
    return change_places(one, 8, other, 8) and ip_packet(one, 8)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < _HEADER:
        return NO
    kind = data[0] >> 4
    if kind in _MESSAGES and data[3] < 32 and _is_control(data, kind, size):
        return {"message": _MESSAGES[kind]}
    # without the bit of an instance identifier (0x08) VXLAN could not be meant
    is_data = size >= 28 and data[0] & 0x0F < 8 and not (data[0] & 0xC0 == 0 and any(data[1:4])) and ip_packet(data, 8)
    return {"message": "data"} if is_data else NO


def _is_control(data: bytes, kind: int, size: int) -> bool:
    if kind == 8:
        return size >= 4 + _ENCAPSULATED and not any(data[1:4]) and ip_packet(data, 4)
    if kind == 1:
        return _is_request(data, size)
    at = _HEADER
    if kind != 2:
        if size < 16:
            return False
        at = 16 + u16(data, 14)  # key identifier and algorithm, length of the authentication
        if data[13] > _LAST_ALGORITHM or (kind != 7 and not data[3]):
            return False
        if kind == 7:  # a lifetime and the asker's identifier; what is behind them depends on the direction
            return (
                not data[0] & 7
                and not any(data[1:4])
                and any(data[4:_HEADER])
                and _address(data, at + 6, size) is not None
            )
    for _ in range(data[3]):
        after = _record(data, at, size)
        if after is None:
            return False
        at = after
    return (at == size and (kind != 2 or data[3] > 0)) or (kind == 3 and at + _SITE == size)


def _is_request(data: bytes, size: int) -> bool:
    at = _address(data, _HEADER, size)  # source identifier
    for _ in range((data[2] & 31) + 1):
        at = _address(data, at, size)
    for _ in range(data[3]):
        at = None if at is None else _address(data, at + 2, size)
    if not data[3] or at is None or not any(data[4:_HEADER]):
        return False
    return at == size or (bool(data[0] & 4) and at < size)  # a mapping record of the asker may follow


def _record(data: bytes, at: int, size: int) -> int | None:
    """Return the end of a mapping record at ``at``: its identifier, and its locators."""
    if at + 12 > size or u16(data, at + 6) & _RESERVED:
        return None
    after = _address(data, at + 10, size)
    for _ in range(data[at + 4]):
        after = None if after is None else _address(data, after + 6, size)
    return after


def _address(data: bytes, at: int | None, size: int) -> int | None:
    """Return the end of an address with its family at ``at``."""
    if at is None or at + 2 > size:
        return None
    family = u16(data, at)
    if family == _LCAF:
        if at + 8 > size:
            return None
        end = at + 8 + u16(data, at + 6)
    elif family in _ADDRESSES:
        end = at + 2 + _ADDRESSES[family]
    else:
        return None
    return end if end <= size else None
