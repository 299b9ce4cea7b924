"""The RST that a packet's receiver would get from its sender: how a REJECT inside a connection tells both sides."""

from __future__ import annotations

from struct import pack
from typing import Final

from ..model.packet import ACK, RST, TCP, Packet

_HEADER: Final = 20


def reset_for_receiver(packet: Packet) -> bytes:
    """Return an IP packet with the addresses, ports and sequence number of a TCP packet, which ends the connection.

    Its sequence number is the next one that the receiver expects, so that RFC 5961 section 3.2 takes it.
    """
    segment = pack("!HHIIBBHHH", packet.sport, packet.dport, packet.seq, packet.ack, _HEADER << 2, RST | ACK, 0, 0, 0)
    total = int.from_bytes(packet.src, "big") + int.from_bytes(packet.dst, "big") + TCP + _HEADER
    segment = segment[:16] + _ones_complement(total + int.from_bytes(segment, "big")) + segment[18:]
    if packet.version == 6:
        return packet.data[:4] + pack("!HBB", _HEADER, TCP, packet.ttl) + packet.src + packet.dst + segment
    head = bytes([0x45, packet.data[1]]) + pack("!HHHBBH", 40, 0, 0x4000, packet.ttl, TCP, 0) + packet.src + packet.dst
    return head[:10] + _ones_complement(int.from_bytes(head, "big")) + head[12:] + segment


def _ones_complement(number: int) -> bytes:
    return ((0xFFFF - number % 0xFFFF) & 0xFFFF).to_bytes(2, "big")
