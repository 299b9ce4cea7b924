"""The longest segment that a TCP handshake offers to take, made shorter: segments then fit into what a queue copies."""

from __future__ import annotations

from typing import Final

from ..model.packet import Packet

_END: Final = 0
_NOP: Final = 1
#: Option kind and length (RFC 9293 section 3.2).
_MAXIMUM: Final = 2
_LENGTH: Final = 4
_CHECKSUM: Final = 16


def limit_segments(packet: Packet, data: bytes, limit: int) -> bytes | None:
    """Return ``data``, the bytes of a SYN, with at most ``limit`` as its maximum segment size; None where it offers no
    more than that. The checksum is updated, not made again (RFC 1624 section 3): a wrong one stays wrong.
    """
    at, end = packet.l4 + 20, min(packet.start, len(data))
    while at + 1 < end and data[at] != _END:
        if data[at] == _NOP:
            at += 1
            continue
        length = data[at + 1]
        if length < 2 or at + length > end:
            return None
        if data[at] == _MAXIMUM and length == _LENGTH:
            offered = int.from_bytes(data[at + 2 : at + 4], "big")
            return _replaced(packet, data, at + 2, limit) if offered > limit else None
        at += length
    return None


def _replaced(packet: Packet, data: bytes, at: int, value: int) -> bytes:
    changed = bytearray(data)
    changed[at : at + 2] = value.to_bytes(2, "big")
    field = packet.l4 + _CHECKSUM
    total = 0xFFFF - int.from_bytes(data[field : field + 2], "big")
    for old, new in ((data[even : even + 2], changed[even : even + 2]) for even in _words(at - packet.l4, packet.l4)):
        total += (0xFFFF - int.from_bytes(old, "big")) + int.from_bytes(new, "big")
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    changed[field : field + 2] = (0xFFFF - total).to_bytes(2, "big")
    return bytes(changed)


def _words(offset: int, start: int) -> tuple[int, ...]:
    """Return where the 16-bit words begin that two bytes at ``offset`` of the segment belong to."""
    first = offset & ~1
    return (start + first,) if offset == first else (start + first, start + first + 2)
