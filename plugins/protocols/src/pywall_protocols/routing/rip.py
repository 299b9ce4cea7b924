"""Routing Information Protocol, versions 1 and 2.

:checked: command, version, and routes of 20 bytes whose families and metrics are possible
:source: RFC 2453 sections 3.6, 4; RFC 1058 section 3.1; RFC 4822 (authentication)
:minimum: the first datagram, 24 bytes
:facts: version, command
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("rip",)
transport = "udp"
tier = "structural"
first_client = b"\1\2"
first_server = None

_ROUTE: Final = 20
_MAX_ROUTES: Final = 26
_INFINITY: Final = 16
_IPV4: Final = 2
_AUTHENTICATION: Final = 0xFFFF


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RIP."""
    return by_beacon("rip", _message, flow, client)


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
