"""Bidirectional Forwarding Detection: its control packets.

:checked: version, a known diagnostic, a length that is the datagram's, a multiplier, one's own discriminator, and
    another's that fits the state
:source: RFC 5880 sections 4.1, 6.8.6
:minimum: the first datagram, 24 bytes
:facts: state
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u32

api_version = 1
protocols = ("bfd",)
transport = "udp"
tier = "structural"
first_client = bytes(range(0x20, 0x2A))
first_server = None

_HEADER: Final = 24
_AUTHENTICATED: Final = 0x04
_MULTIPOINT: Final = 0x01
_STATES: Final = ("admin_down", "down", "init", "up")
#: microseconds between packets, one minute
_MAX_INTERVAL: Final = 60_000_000


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect BFD."""
    return by_beacon("bfd", _packet, flow, client)


def _packet(data: bytes) -> Evidence:
    size = len(data)
    if size < _HEADER or data[3] != size or not data[2] or data[1] & _MULTIPOINT or not u32(data, 4):
        return NO
    if bool(data[1] & _AUTHENTICATED) != (size > _HEADER) or max(u32(data, 12), u32(data, 16)) > _MAX_INTERVAL:
        return NO
    state = data[1] >> 6
    return {"state": _STATES[state]} if u32(data, 8) or state < 2 else NO
