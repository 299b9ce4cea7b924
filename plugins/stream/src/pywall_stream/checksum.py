"""TCP checksums (RFC 9293 section 3.1, RFC 8200 section 8.1), and which senders of a capture left them to the card.

The one's complement sum of 16-bit words is the number that the octets spell, modulo 65535 (RFC 1071 section 2).
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import TCP, Packet

_MODULUS: Final = 0xFFFF
#: Octets from which on two sums and one division by half as long a number are faster.
_LONG: Final = 400
#: Longer packets of a capture are several ones that a card has merged (or is to cut), without a checksum of their own.
_MTU: Final = 1500
#: Senders remembered; beyond that all are judged anew.
_MAX_SENDERS: Final = 65536


def checksum_valid(packet: Packet) -> bool:
    """The TCP checksum of a complete packet is right."""
    l4 = packet.l4
    if l4 == 20:  # IPv4 without options, IPv6 without extensions: the addresses stand right before the segment
        at = 12
    elif l4 == 40 and packet.version == 6:
        at = 8
    else:
        return _sum(packet, l4) % _MODULUS == 0
    data = packet.data
    end = packet.end
    length = end - l4
    if length & 1:
        total = int.from_bytes(data[at:end], "big") << 8
    elif length < _LONG:
        total = int.from_bytes(data[at:end], "big")
    else:
        middle = (at + end) >> 2 << 1
        total = int.from_bytes(data[at:middle], "big") + int.from_bytes(data[middle:end], "big")
    return (total + TCP + length) % _MODULUS == 0


def _sum(packet: Packet, at: int) -> int:
    """Sum over the pseudo-header and the octets from ``at``, which is an even number of octets behind ``packet.l4``."""
    length = packet.end - packet.l4
    pseudo = int.from_bytes(packet.src, "big") + int.from_bytes(packet.dst, "big") + TCP + length
    return pseudo + (int.from_bytes(packet.data[at : packet.end], "big") << (8 if length & 1 else 0))


def partial(packet: Packet) -> bool:
    """The checksum field holds the pseudo-header's sum, with or without the length: what a host leaves to its card."""
    at = packet.l4 + 16
    field = int.from_bytes(packet.data[at : at + 2], "big")
    with_length = _sum(packet, packet.end) % _MODULUS
    without = (with_length - (packet.end - packet.l4)) % _MODULUS
    return field != 0 and field % _MODULUS in (with_length, without)


class CaptureChecksums:
    """Judges the checksums of a capture sender by sender.

    Where a capture was made on the sending host, checksums may not have been computed yet. A sender whose field holds
    the partial sum is believed from then on; one that has sent a right checksum is held to it; until one of the two
    has happened, wrong ones pass.
    """

    def __init__(self) -> None:
        self._held: dict[bytes, bool] = {}

    def acceptable(self, packet: Packet) -> bool:
        """The packet's checksum is right, or its sender's are not worth looking at."""
        held = self._held.get(packet.src)
        if held is False or packet.length > _MTU:
            return True
        if checksum_valid(packet):
            if held is None:
                self._remember(packet.src, True)
            return True
        if partial(packet):
            self._remember(packet.src, False)
            return True
        return held is None

    def _remember(self, sender: bytes, held: bool) -> None:
        if len(self._held) >= _MAX_SENDERS:
            self._held.clear()
        self._held[sender] = held
