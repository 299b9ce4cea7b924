"""TCP checksums (RFC 9293 section 3.1, RFC 8200 section 8.1), and which senders of a capture have no own ones.

The one's complement sum of 16-bit words is the number that the bytes represent, modulo 65535 (RFC 1071 section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pywall_core.api import FIN, OUTPUT, RST, SYN, TCP, Packet

from .segment import Segment

_MODULUS: Final = 0xFFFF
#: a name of this module: compiled, one that another distribution has is looked up each time
_OUTPUT: Final = OUTPUT
_OPENS_OR_ENDS: Final = SYN | FIN | RST
#: From this length in bytes, two sums and one division of a shorter number are faster.
_LONG: Final = 400
#: Longer packets of a capture are several ones that a card has merged (or is to cut), without a checksum of their own.
_MTU: Final = 1500
#: Senders and receivers remembered; beyond that all are forgotten.
_MOST_PAIRS: Final = 65536


def checksum_valid(packet: Packet) -> bool:
    """Return True if the TCP checksum of a complete packet is right."""
    return _is_right(packet, packet.data, packet.l4, packet.end)


def _is_right(packet: Packet, data: bytes, l4: int, end: int) -> bool:
    if l4 == 20:  # IPv4 without options, IPv6 without extensions: the addresses stand right before the segment
        at = 12
    elif l4 == 40 and data[0] >> 4 == 6:
        at = 8
    else:
        return _sum(packet, l4) % _MODULUS == 0
    length = end - l4
    small = TCP + length
    if length & 1:  # the last byte is the higher one of its word
        end -= 1
        small += data[end] << 8
    if length < _LONG:
        total = int.from_bytes(data[at:end], "big")
    else:
        middle = (at + end) >> 2 << 1
        total = int.from_bytes(data[at:middle], "big") + int.from_bytes(data[middle:end], "big")
    return (total % _MODULUS + small) % _MODULUS == 0


def segment_checksum(packet: Packet, segment: bytes) -> int:
    """Return the checksum of a segment with the packet's addresses, whose checksum field is 0."""
    words = int.from_bytes(segment, "big") << (8 if len(segment) & 1 else 0)
    total = int.from_bytes(packet.src, "big") + int.from_bytes(packet.dst, "big") + TCP + len(segment) + words
    return (_MODULUS - total % _MODULUS) & _MODULUS


def _sum(packet: Packet, at: int) -> int:
    """Return the sum over the pseudo-header and the bytes from ``at``, an even number behind ``packet.l4``."""
    length = packet.end - packet.l4
    pseudo = int.from_bytes(packet.src, "big") + int.from_bytes(packet.dst, "big") + TCP + length
    return pseudo + (int.from_bytes(packet.data[at : packet.end], "big") << (8 if length & 1 else 0))


def partial(packet: Packet) -> bool:
    """Return True if the checksum field holds only the pseudo-header's sum: the network card computes the rest."""
    at = packet.l4 + 16
    field = int.from_bytes(packet.data[at : at + 2], "big")
    with_length = _sum(packet, packet.end) % _MODULUS
    without = (with_length - (packet.end - packet.l4)) % _MODULUS
    return field != 0 and field % _MODULUS in (with_length, without)


class Checksums:
    """Checks the checksums of packets as they come from the kernel."""

    def right(self, segment: Segment) -> bool:
        """Return True if the checksum of a complete segment is right, or nobody can tell."""
        return _is_right(segment.packet, segment.data, segment.l4, segment.end)


class LiveChecksums(Checksums):
    """Checks the checksums of what comes from elsewhere.

    Those of OUTPUT this machine's kernel has just written, but for packets of others that meet OUTPUT: what a tunnel
    carries, what ipvlan, IPVS and ``-j TEE`` send on, raw sockets. So inner packets are verified, and all that opens
    or ends a connection: one that its receiver refuses would change the state here alone. Of content, what conflicts
    with earlier bytes that nobody acknowledged is dropped in any case.
    """

    def right(self, segment: Segment) -> bool:
        """As of the base class."""
        packet = segment.packet
        if packet.hook == _OUTPUT and not segment.flags & _OPENS_OR_ENDS and packet.tunnel is None:
            return True
        return _is_right(packet, segment.data, segment.l4, segment.end)


class CaptureChecksums(Checksums):
    """Checks the checksums of a capture, by sender and receiver: what other hosts got changes nothing.

    In a capture made on the sending host, the network card may not have computed the checksums yet. When a sender has
    once sent the partial sum, all its checksums pass. When it has sent a right checksum, only right ones pass. Before
    either, wrong ones pass. ``count(name)`` is called when what was learnt of all is forgotten, for want of room.
    """

    def __init__(self, count: Callable[[str], None]) -> None:
        self._count = count
        self._valid_by_pair: dict[bytes, bool] = {}

    def right(self, segment: Segment) -> bool:
        """Return True if the segment's checksum is right, or its sender leaves checksums to the network card."""
        return self.acceptable(segment.packet)

    def acceptable(self, packet: Packet) -> bool:
        """As :meth:`right`, for a packet."""
        pair = packet.src + packet.dst
        valid = self._valid_by_pair.get(pair)
        if valid is False or packet.length > _MTU:
            return True
        if checksum_valid(packet):
            if valid is None:
                self._remember(pair, True)
            return True
        if partial(packet):
            self._remember(pair, False)
            return True
        return valid is None

    def _remember(self, pair: bytes, valid: bool) -> None:
        if len(self._valid_by_pair) >= _MOST_PAIRS:
            self._valid_by_pair.clear()
            self._count("across_hosts.checksum")
        self._valid_by_pair[pair] = valid
