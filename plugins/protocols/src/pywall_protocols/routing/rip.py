"""Routing Information Protocol, versions 1 and 2, and that of IPv6 (RIPng).

:checked: command, version, and routes of 20 bytes whose families and metrics are possible; of RIPng prefixes whose bits
    behind their length are zeros (what asks for a whole table is the same in both, and called RIP)
:source: RFC 2453 sections 3.6, 4; RFC 1058 section 3.1; RFC 4822 (authentication); RFC 2080 sections 2.1, 2.1.1
:minimum: the first datagram, 24 bytes
:facts: version, command
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("rip", "ripng")
transport = "udp"
tier = "structural"
first_client = b"\1\2"
first_server = None

_ROUTE: Final = 20
_MAX_ROUTES: Final = 26
_INFINITY: Final = 16
_IPV4: Final = 2
_AUTHENTICATION: Final = 0xFFFF
#: instead of a metric: the address is the next hop's
_NEXT_HOP: Final = 0xFF


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RIP, and RIPng."""
    match = by_beacon("rip", _message, flow, client)
    return by_beacon("ripng", _message_of_ipv6, flow, client) if match is NO else match


def _message(data: bytes) -> Evidence:
    size = len(data)
    if (
        not 4 + _ROUTE <= size <= 4 + _MAX_ROUTES * _ROUTE
        or (size - 4) % _ROUTE
        or data[1] not in (1, 2)
        or u16(data, 2)
    ):
        return NO
    for at in range(4, size, _ROUTE):
        family = u16(data, at)
        if family == _AUTHENTICATION and data[1] == 2:
            continue
        asks_all = data[0] == 1 and family == 0
        if (not asks_all and family != _IPV4) or u32(data, at + 16) > _INFINITY:
            return NO
        if data[1] == 1 and (u16(data, at + 2) or any(data[at + 8 : at + 16])):
            return NO
    return {"version": data[1], "command": "request" if data[0] == 1 else "response"}


def _message_of_ipv6(data: bytes) -> Evidence:
    size = len(data)
    if size < 4 + _ROUTE or (size - 4) % _ROUTE or data[1] != 1 or u16(data, 2):
        return NO
    for at in range(4, size, _ROUTE):
        length, metric = data[at + 18], data[at + 19]
        if metric == _NEXT_HOP and not length:
            continue
        host_bits = int.from_bytes(data[at : at + 16], "big") & ((1 << max(0, 128 - length)) - 1)
        if length > 128 or not 1 <= metric <= _INFINITY or host_bits:
            return NO
    return {"version": 1, "command": "request" if data[0] == 1 else "response"}
