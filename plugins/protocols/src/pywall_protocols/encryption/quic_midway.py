"""QUIC whose opening was not seen, by its short headers.

:checked: the fixed bit in each datagram of both sides; one side's begin with one connection id behind first bytes that
    differ
:source: RFC 9000 section 17.3; RFC 9001 section 5.4 (the protected bits of the first byte)
:minimum: four datagrams of one side, one of the other
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams

api_version = 1
protocols = ("quic",)
transport = "udp"
tier = "heuristic"
first_client = bytes(range(0x40, 0x80))
first_server = bytes(range(0x40, 0x80))

_WANTED: Final = 4
#: first byte, number, and a sealed payload of which 16 bytes are sampled
_SHORTEST: Final = 21
#: bytes of a connection id that must agree, and those behind the longest one, which are ciphertext
_ID: Final = 4


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect QUIC in the middle. Its packets are noise by design, so that it is never confirmed."""
    asked, reply = _says(client, flow.client_sizes), _says(server, flow.server_sizes)
    if client and server and YES in (asked, reply) and _fits(client) and _fits(server):
        return Match("quic", confirmed=False)
    wrong = (client and not _fits(client)) or (server and not _fits(server))
    # a client that is not one does not wait for an answer that may never come
    return NO if wrong or (asked is NO and (reply is NO or not server)) else MORE


def _fits(data: bytes) -> bool:
    """Return True if the first packet of a side has the fixed bit and not that of a long header."""
    return data[0] & 0xC0 == 0x40


def _says(data: bytes, sizes: tuple[int, ...]) -> Answer:
    """YES when the first datagrams of a side have one connection id: the same bytes behind first bytes that differ, and
    ciphertext that does not repeat."""
    packets: list[bytes] = []
    for packet in datagrams(data, sizes):
        if not _fits(packet) or len(packet) < _SHORTEST or packet.isascii():
            return NO
        packets.append(packet)
        if len(packets) == _WANTED:
            break
    if len(packets) < _WANTED:
        return MORE
    first, ids, sealed = (set(part) for part in zip(*((p[0], p[1 : 1 + _ID], p[21:29]) for p in packets), strict=True))
    return YES if len(ids) == 1 and len(first) > 2 and len(sealed) == _WANTED and len(set(*ids)) > 1 else NO
