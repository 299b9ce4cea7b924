"""QUIC whose opening was not seen, by its short headers.

:checked: the fixed bit in each datagram of both sides; one side's begin with one connection id behind first bytes that
    differ; or behind a short header a long one with a known version; of gQUIC one connection id and numbers
    that rise on both sides
:source: RFC 9000 section 17.3; RFC 9001 section 5.4 (the protected bits of the first byte); Chromium's net/quic (public
    header)
:minimum: four datagrams of one side, one of the other; of gQUIC three of each
:facts: none
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.quic_header import long_header, version_name
from ..parsing.wire import cut, datagrams, distinct

api_version = 1
protocols = ("quic",)
unseen = protocols  # all of it is ciphertext; behind its opening `quic` confirms the name
transport = "udp"
tier = "heuristic"
first_client = bytes(range(0x40, 0x80)) + bytes(range(0, 0x40, 4))
first_server = bytes(range(0x40, 0x80)) + bytes(range(0, 0x40, 4))

_WANTED: Final = 4
#: first byte, number, and a sealed payload of which 16 bytes are sampled
_SHORTEST: Final = 21
#: bytes of a connection id that must agree, and those behind the longest one, which are ciphertext
_ID: Final = 4
_LONG_ID: Final = 8
#: packets of gQUIC of each side, what each has behind its number, and the numbers that may be left out
_NUMBERED: Final = 3
_HASH: Final = 12
_MAX_SKIPPED: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect QUIC in the middle. Its packets are noise by design, so that it is never confirmed."""
    if client[:1] < b"\x40" and server[:1] < b"\x40":
        return _gquic(client, server, flow)
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


def _is_long(datagram: bytes) -> bool:
    """Return True if a datagram has a long header of a version that somebody uses."""
    header = long_header(datagram)
    return header is not None and bool(header.version) and version_name(header.version) is not None


def _says(data: bytes, sizes: tuple[int, ...]) -> Answer:
    """YES when the first datagrams of a side have one connection id: the same bytes behind first bytes that differ, and
    ciphertext that does not repeat."""
    packets: list[bytes] = []
    for packet in distinct(datagrams(data, sizes)):
        if not _is_packet(packet):
            return YES if packets and _is_long(packet) else NO
        packets.append(packet)
        if len(packets) == _WANTED:
            break
    if len(packets) < _WANTED:
        return MORE
    first, ids, sealed = (set(part) for part in zip(*((p[0], p[1 : 1 + _ID], p[21:29]) for p in packets), strict=True))
    if len(ids) > 1 or len(set(*ids)) == 1 or len(sealed) < _WANTED:
        return NO
    varies = len(first) > 2 or (len(first) > 1 and len({p[1 : 1 + _LONG_ID] for p in packets}) == 1)
    return YES if varies else NO


def _gquic(client: bytes, server: bytes, flow: Flow) -> Match | Answer:
    """Decide about packets of Google's QUIC: both sides number them, one puts the connection id before the number."""
    asked, reply = _numbered(client, flow.client_sizes), _numbered(server, flow.server_sizes)
    if asked is None or reply is None:
        return NO
    if len(asked) < _NUMBERED or len(reply) < _NUMBERED:
        return MORE
    ids = [{own for own, _ in packets} for packets in (asked, reply)]
    one_each = all(len(own) == 1 for own in ids) and ids[0] | ids[1] != {b""}
    rising = all(0 < b - a <= _MAX_SKIPPED for side in (asked, reply) for (_, a), (_, b) in pairwise(side))
    return Match("quic", confirmed=False) if one_each and rising else NO


def _numbered(data: bytes, sizes: tuple[int, ...]) -> list[tuple[bytes, int]] | None:
    """Return the connection ids and numbers of a side's first packets; None where one is no packet."""
    found: list[tuple[bytes, int]] = []
    for packet in distinct(datagrams(data, sizes)):
        flags = packet[0]
        at = 9 if flags & 8 else 1
        end = at + (1, 2)[flags >> 4 & 1]
        if flags & 0xE3 or len(packet) < end + _HASH or packet.isascii():
            return None
        own = cut(packet, 1, at)
        if own and len(set(own)) < 3:
            return None
        found.append((own, int.from_bytes(cut(packet, at, end), "little")))
        if len(found) == _NUMBERED:
            break
    return found
