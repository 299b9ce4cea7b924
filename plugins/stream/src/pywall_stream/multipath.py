"""Multipath TCP's option in a handshake: looked for, and taken out.

The bytes of one stream come over several connections (RFC 8684 section 1.1). Without MP_CAPABLE in both SYNs they come
over one, as plain TCP (section 3.7); a SYN without MP_JOIN begins a connection of its own, which the joining host gives
up when the answer lacks the option (section 3.2).
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import Packet

from .checksum import segment_checksum

#: Option kinds, https://www.iana.org/assignments/tcp-parameters
_END: Final = 0
_NOP: Final = 1
_MPTCP: Final = 30
_CHECKSUM: Final = 16


def has_mptcp(packet: Packet) -> bool:
    """Return whether the TCP header has an option of Multipath TCP."""
    at, end = packet.l4 + 20, packet.start
    return end > at and _MPTCP in packet.data[at:end] and bool(_options(packet))


def without_mptcp(packet: Packet) -> bytes:
    """Return the IP packet with no-operations in place of Multipath TCP's options, and its TCP checksum."""
    data = bytearray(packet.data)
    for at, length in _options(packet):
        data[at : at + length] = bytes([_NOP]) * length
    field = packet.l4 + _CHECKSUM
    data[field : field + 2] = b"\0\0"
    data[field : field + 2] = segment_checksum(packet, bytes(data[packet.l4 : packet.end])).to_bytes(2, "big")
    return bytes(data)


def _options(packet: Packet) -> list[tuple[int, int]]:
    """Return the offset and length of each option of Multipath TCP, read as :func:`.options.parse_options` does."""
    data, at, end = packet.data, packet.l4 + 20, packet.start
    found = []
    while at < end and data[at] != _END:
        if data[at] == _NOP:
            at += 1
            continue
        if at + 1 >= end or data[at + 1] < 2 or at + data[at + 1] > end:
            break
        if data[at] == _MPTCP:
            found.append((at, data[at + 1]))
        at += data[at + 1]
    return found
