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
    wrong = (client and not _may_begin(client, flow.client_sizes)) or (
        server and not _may_begin(server, flow.server_sizes)
    )
    if wrong:  # a client that is not one does not wait for an answer that may never come
        return NO
    asked, reply = _says(client, flow.client_sizes), _says(server, flow.server_sizes)
    if client and server and YES in (asked, reply):
        return Match("quic", confirmed=False)
    return NO if asked is NO and reply is NO else MORE


def _may_begin(data: bytes, sizes: tuple[int, ...]) -> bool:
    """Return True if the first datagram of a side may be a packet."""
    return _is_packet(next(iter(datagrams(data, sizes))))


def _is_packet(datagram: bytes) -> bool:
    """Return True if a datagram has the fixed bit and not that of a long header, is long enough, and no text."""
    return len(datagram) >= _SHORTEST and datagram[0] & 0xC0 == 0x40 and not datagram.isascii()


def _says(data: bytes, sizes: tuple[int, ...]) -> Answer:
    """YES when the first datagrams of a side have one connection id: the same bytes behind first bytes that differ, and
    ciphertext that does not repeat."""
    packets: list[bytes] = []
    for packet in datagrams(data, sizes):
        if not _is_packet(packet):
            return NO
        packets.append(packet)
        if len(packets) == _WANTED:
            break
    if len(packets) < _WANTED:
        return MORE
    first, ids, sealed = (set(part) for part in zip(*((p[0], p[1 : 1 + _ID], p[21:29]) for p in packets), strict=True))
    return YES if len(ids) == 1 and len(first) > 2 and len(sealed) == _WANTED and len(set(*ids)) > 1 else NO
