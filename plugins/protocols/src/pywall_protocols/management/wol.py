"""Wake-on-LAN.

:checked: six bytes of ones and sixteen times the same hardware address, at the end no more than a password
:source: AMD, Magic Packet Technology, publication 20213
:minimum: the first datagram, 102 bytes
:facts: mac
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon

api_version = 1
protocols = ("wol",)
transport = "udp"
tier = "exact"
first_client = b"\xff"
first_server = None

_SYNC: Final = b"\xff" * 6
_SIZES: Final = (102, 106, 108)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Wake-on-LAN."""
    return by_beacon("wol", _packet, flow, client)


def _packet(data: bytes) -> Evidence:
    if len(data) not in _SIZES or not data.startswith(_SYNC) or data[6:102] != data[6:12] * 16:
        return NO
    return {"mac": data[6:12].hex(":")} if data[6:12] != _SYNC else NO
