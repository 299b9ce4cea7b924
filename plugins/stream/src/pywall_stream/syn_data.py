"""Data on a SYN, taken off: they come again once the handshake is done, and are inspected like all others.

A sender whose data were not acknowledged with its SYN sends them again at once (RFC 7413 section 4.2), so that nothing
waits for a timeout; whether a receiver would take them (cookies, ``net.ipv4.tcp_fastopen``) needs no guess.
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import Packet

from .checksum import segment_checksum

_CHECKSUM: Final = 16


def without_data(packet: Packet, data: bytes) -> bytes:
    """Return ``data``, the bytes of the packet, up to the end of its TCP header, with its lengths and checksums."""
    head = bytearray(data[: packet.start])
    if packet.version == 4:
        head[2:4] = len(head).to_bytes(2, "big")
        header = (head[0] & 15) * 4
        head[10:12] = b"\0\0"
        head[10:12] = (0xFFFF - int.from_bytes(head[:header], "big") % 0xFFFF & 0xFFFF).to_bytes(2, "big")
    else:
        head[4:6] = (len(head) - 40).to_bytes(2, "big")
    field = packet.l4 + _CHECKSUM
    head[field : field + 2] = b"\0\0"
    head[field : field + 2] = segment_checksum(packet, bytes(head[packet.l4 :])).to_bytes(2, "big")
    return bytes(head)
