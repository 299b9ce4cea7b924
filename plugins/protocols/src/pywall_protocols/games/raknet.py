"""RakNet, the transport of many games.

:checked: the offline message's identifier and its sixteen magic bytes
:source: RakNet 4 source, MessageIdentifiers.h and RakPeer.cpp; wiki.vg, Raknet Protocol
:minimum: 17 to 25 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram

api_version = 1
protocols = ("raknet",)
transport = "udp"
tier = "exact"

_MAGIC: Final = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")
#: where the magic is: behind a time in pings, also behind an identifier in pongs, at once in requests and replies
_PLACES: Final = {
    0x01: 9,
    0x02: 9,
    0x1C: 17,
    0x0D: 9,
    **dict.fromkeys((0x05, 0x06, 0x07, 0x08, 0x11, 0x12, 0x14, 0x17, 0x1A, 0x24), 1),
    0x19: 2,
}
first_client = bytes(_PLACES)
first_server = None


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RakNet."""
    return by_datagram("raknet", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A ping has a pong, a request a reply."""
    return one[0] != other[0]


def _message(data: bytes) -> Evidence:
    at = _PLACES.get(data[0])
    return {} if at and data[at : at + 16] == _MAGIC else NO
