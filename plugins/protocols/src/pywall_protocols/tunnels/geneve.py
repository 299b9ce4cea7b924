"""Generic Network Virtualization Encapsulation.

:checked: version 0, reserved bits of zero, options that fill their length, and the announced packet behind them
:source: RFC 8926 section 3.4, 3.5
:minimum: the first datagram, 8 bytes and the packet inside
:facts: vni, protocol
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ethernet_frame, frame_tells, network_packet, tells
from ..parsing.wire import u16, u24

api_version = 1
protocols = ("geneve",)
transport = "udp"
tier = "structural"
first_client = bytes(range(64))
first_server = first_client

_HEADER: Final = 8
_ETHERNET: Final = 0x6558
_RESERVED: Final = 0x3F


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Geneve."""
    found = by_datagram("geneve", _message, flow, client, server, _belong)
    if isinstance(found, Match) and found.confirmed:
        found.confirmed = _tells(client) and _tells(server)
    return found


def _belong(one: bytes, other: bytes) -> bool:
    """What is inside goes where the other one comes from: addresses of Ethernet or IP."""
    at, other_at = _HEADER + one[0] * 4, _HEADER + other[0] * 4
    if u16(one, 2) == _ETHERNET:
        return one[at : at + 6] == other[other_at + 6 : other_at + 12] != other[other_at : other_at + 6]
    return change_places(one, at, other, other_at)


def _tells(data: bytes) -> bool:
    kind = u16(data, 2)
    return frame_tells(data, _HEADER + data[0] * 4) if kind == _ETHERNET else tells(kind)


def _message(data: bytes) -> Evidence:
    if len(data) < _HEADER + 20 or data[1] & _RESERVED or data[7]:
        return NO
    kind = u16(data, 2)
    at = _HEADER
    inside = _HEADER + data[0] * 4
    while at + 4 <= inside <= len(data):
        if data[at + 3] & 0xE0:
            return NO
        at += 4 + data[at + 3] * 4
    if at != inside:
        return NO
    if not (ethernet_frame(data, inside) if kind == _ETHERNET else network_packet(data, inside, kind)):
        return NO
    return {"vni": u24(data, 4), "protocol": f"0x{kind:04x}"}
