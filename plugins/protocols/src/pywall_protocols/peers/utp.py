"""uTP, BitTorrent's transport over UDP.

:checked: kind, version and extension of the header; an opening packet by its zeros, another one by a packet of the
    other side with a fitting connection and fitting numbers
:source: BEP 29
:minimum: the first datagram, 20 bytes; within a connection one of each side
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import differing
from ..parsing.wire import first_datagram, u16, u32

api_version = 1
protocols = ("bittorrent",)
transport = "udp"
tier = "heuristic"
#: data, end, acknowledgement, reset, opening: type in the high half, version 1 in the low one
first_client = b"\x01\x11\x21\x31\x41"
first_server = first_client

_HEADER: Final = 20
_OPENING: Final = 0x41
_EXTENSIONS: Final = 3
#: connections have random numbers: small ones are fields of other protocols
_LEAST_CONNECTION: Final = 256
#: bytes of the headers that differ at least: times, numbers
_LEAST_DIFFERING: Final = 4
#: packets in flight, by which sequence and acknowledgement may differ
_FLIGHT: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect uTP."""
    if not client:
        return MORE
    data = client[: flow.client_sizes[0]]
    if not _is_packet(data):
        return NO
    opens = data[0] == _OPENING and not any(data[8:12]) and not any(data[18:20])
    if not server:
        return Match("bittorrent", {"message": "utp"}, confirmed=False, done=False) if opens else MORE
    belongs = _belongs(data, first_datagram(server, flow.server_sizes))
    return Match("bittorrent", {"message": "utp"}, confirmed=belongs) if opens or belongs else NO


def _belongs(data: bytes, answer: bytes) -> bool:
    """Return True if both are of one connection: what one acknowledges the other has sent not long ago."""
    if (
        not _is_packet(answer)
        or differing(answer[:_HEADER], data[:_HEADER]) < _LEAST_DIFFERING
        or abs(u16(answer, 2) - u16(data, 2)) > 1
        or u16(data, 2) < _LEAST_CONNECTION
    ):
        return False
    return _distance(data, answer) <= _FLIGHT and _distance(answer, data) <= _FLIGHT


def _is_packet(data: bytes) -> bool:
    return len(data) >= _HEADER and data[0] in first_client and data[1] < _EXTENSIONS and u32(data, 4) > 0


def _distance(data: bytes, answer: bytes) -> int:
    """Between a sequence number and the other side's acknowledgement, modulo 2^16."""
    ahead = (u16(data, 16) - u16(answer, 18)) % 65536
    return min(ahead, 65536 - ahead)
