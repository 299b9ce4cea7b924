"""Diagnostics over IP, of vehicles, over UDP and TCP.

:checked: a version and its inverse, a known payload type, and a length that fits it, over UDP the datagram's
:source: ISO 13400-2:2019 clauses 7, 9
:minimum: 8 octets
:facts: version, payload_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from .exchange import Said, by_datagram, by_stream
from .wire import u16, u32

protocols = ("doip",)
transport = ("udp", "tcp")
first_client = b"\1\2\3\4\xff"
first_server = first_client

_HEADER: Final = 8
#: least length by payload type
_TYPES: Final = {
    0: 1,
    1: 0,
    2: 6,
    3: 17,
    4: 32,
    5: 7,
    6: 9,
    7: 0,
    8: 2,
    0x4001: 0,
    0x4002: 3,
    0x4003: 0,
    0x4004: 1,
    0x8001: 5,
    0x8002: 5,
    0x8003: 5,
    0x8004: 4,
}
_MAX_LENGTH: Final = 1 << 24


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise DoIP."""
    if flow.proto == UDP:
        return by_datagram("doip", _datagram, flow, client, server)
    return by_stream("doip", _message, client, server)


def _datagram(data: bytes) -> Said:
    return _message(data) if len(data) >= _HEADER and u32(data, 4) == len(data) - _HEADER else NO


def _message(data: bytes) -> Said:
    if len(data) > 1 and data[0] ^ data[1] != 0xFF:
        return NO
    if len(data) < _HEADER:
        return MORE
    kind = u16(data, 2)
    if kind not in _TYPES or not _TYPES[kind] <= u32(data, 4) <= _MAX_LENGTH:
        return NO
    return {"version": data[0], "payload_type": f"0x{kind:04x}"}
