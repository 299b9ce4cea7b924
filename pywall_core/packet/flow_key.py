"""Keys of flows: bytes that are equal for all packets that go the same way between the same two ends.

A key is protocol (1 byte), source and destination (4 or 16 bytes each), source and destination port (2 bytes each, or
zeros); inside a tunnel its tag follows.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from ..model.packet import ICMP, ICMPV6, TCP, UDP, Packet

PORT_PROTOCOLS: Final = frozenset({33, 132, 136})  # DCCP, SCTP, UDP-Lite: ports in the first four bytes
NO_PORTS: Final = b"\0\0\0\0"
PROTO_BYTE: Final = tuple(bytes([n]) for n in range(256))


def quoted_key(data: bytes, at: int, end: int, version: int) -> bytes | None:
    """Key of the flow that an ICMP error quotes, turned round (the error travels against the quoted packet)."""
    if version == 4:
        if at + 28 > end or data[at] >> 4 != 4:
            return None
        proto, src, dst = data[at + 9], data[at + 12 : at + 16], data[at + 16 : at + 20]
        at += (data[at] & 15) * 4
    else:
        if at + 48 > end or data[at] >> 4 != 6:
            return None
        proto, src, dst = data[at + 6], data[at + 8 : at + 24], data[at + 24 : at + 40]
        at += 40
    if at + 8 > end:
        return None
    ports = NO_PORTS
    if proto in (TCP, UDP) or proto in PORT_PROTOCOLS:
        ports = data[at + 2 : at + 4] + data[at : at + 2]
    elif proto in (ICMP, ICMPV6):
        ports = data[at + 4 : at + 6] * 2
    return PROTO_BYTE[proto] + dst + src + ports


def reverse_key(key: bytes) -> bytes:
    """Return the key of the packets that go the other way."""
    half = 4 if len(key) < 37 else 16
    ports = 1 + 2 * half
    turned = key[:1] + key[1 + half : ports] + key[1 : 1 + half] + key[ports + 2 : ports + 4] + key[ports : ports + 2]
    return turned if len(key) == ports + 4 else turned + key[ports + 4 :]  # the tag of a tunnel


def stray_error(packet: Packet) -> None:
    """An ICMP error that quotes no known flow is one of its own: it must not make an entry under the quoted key.

    Errors about other hosts are other flows: what quotes two hosts goes with them where a capture is split by hosts.
    """
    packet.related = False
    half = len(packet.src)
    one, other = packet.key[1 : 1 + half], packet.key[1 + half : 1 + 2 * half]
    about = crc32(one + other if one < other else other + one).to_bytes(4, "big")
    packet.key = PROTO_BYTE[packet.proto] + packet.src + packet.dst + about
    if packet.tunnel is not None:
        packet.key += packet.tunnel.tag
