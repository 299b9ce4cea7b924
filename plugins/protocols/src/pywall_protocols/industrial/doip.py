"""Diagnostics over IP, of vehicles, over UDP and TCP.

:checked: a version and its inverse, a known payload type, and a length that fits it, over UDP the datagram's
:source: ISO 13400-2:2019 clauses 7, 9
:minimum: 8 bytes
:facts: version, payload_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("doip",)
transport = ("udp", "tcp")
tier = "exact"
first_client = b"\1\2\3\4\xff"
first_server = first_client

_HEADER: Final = 8
_DIAGNOSTICS: Final = 0x8001
#: least and greatest length by payload type
_TYPES: Final = {
    0x0000: (1, 1),
    0x0001: (0, 0),
    0x0002: (6, 6),
    0x0003: (17, 17),
    0x0004: (32, 33),
    0x0005: (7, 11),
    0x0006: (9, 13),
    0x0007: (0, 0),
    0x0008: (2, 2),
    0x4001: (0, 0),
    0x4002: (3, 7),
    0x4003: (0, 0),
    0x4004: (1, 1),
    0x8001: (5, 1 << 24),
    0x8002: (5, 1 << 16),
    0x8003: (5, 1 << 16),
}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DoIP."""
    if flow.proto == UDP:
        return by_datagram("doip", _datagram, flow, client, server, _belong)
    proved = belonging(client, server, _HEADER, _size, _message, _belong)
    return by_stream("doip", _message, client, server, proved=proved)


def _size(data: bytes) -> int:
    return _HEADER + u32(data, 4)


def _belong(one: bytes, other: bytes) -> bool:
    """Two types; diagnostics whose addresses differ: a functional one is answered by each device from its own."""
    if one[2:4] != other[2:4]:
        return True
    return u16(one, 2) == _DIAGNOSTICS and one[8:10] == other[10:12] != other[8:10]


def _datagram(data: bytes) -> Evidence:
    return _message(data) if len(data) >= _HEADER and u32(data, 4) == len(data) - _HEADER else NO


def _message(data: bytes) -> Evidence:
    if len(data) > 1 and data[0] ^ data[1] != 0xFF:
        return NO
    if len(data) < _HEADER:
        return MORE
    kind = u16(data, 2)
    least, most = _TYPES.get(kind, (1, 0))
    if not least <= u32(data, 4) <= most:
        return NO
    return {"version": data[0], "payload_type": f"0x{kind:04x}"}
