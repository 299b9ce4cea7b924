"""Tunnels: the packet that another one carries, decoded as a packet of its own.

IPIP (RFC 2003), IPv4 and IPv6 in IPv6 (2473), 6in4 (4213), GRE (2784, 2890), EtherIP (3378), VXLAN (7348), Geneve
(8926), Teredo (4380). What the outer header declares is taken at its word: an inner packet that does not decode is an
error. A UDP datagram to a port that is no tunnel's must have the form to the last byte.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from ..model.packet import UDP, Packet, Tunnel
from .decode import decode

#: Packets around a packet; beyond it the decoder objects (``tunnel.depth``).
MAX_DEPTH: Final = 4
_IPIP: Final = 4
_IPV6: Final = 41
_GRE: Final = 47
_ETHERIP: Final = 97
_BY_PROTOCOL: Final = frozenset({_IPIP, _IPV6, _GRE, _ETHERIP})
#: UDP ports (IANA), and 8472, Linux's own for VXLAN before it had one.
_VXLAN_PORTS: Final = frozenset({4789, 8472})
_GENEVE_PORT: Final = 6081
_TEREDO_PORT: Final = 3544
_PORTS: Final = frozenset({*_VXLAN_PORTS, _GENEVE_PORT, _TEREDO_PORT})
_TEREDO_PREFIX: Final = b"\x20\x01\0\0"
_ETHERNET: Final = 0x6558
_IP_TYPES: Final = frozenset({0x0800, 0x86DD})
_VLAN_TYPES: Final = frozenset({0x8100, 0x88A8})
_UDP_CHECKSUM: Final = 6


class _Inside:
    """Where an inner packet begins, what carries it, and the number that tells tunnels of two hosts apart."""

    __slots__ = ("at", "kind", "number")

    def __init__(self, at: int, kind: str, number: bytes = b"") -> None:
        self.at = at
        self.kind = kind
        self.number = number


def may_carry(packet: Packet) -> bool:
    """Return True for a packet whose header says that it is a tunnel's, whatever it carries this time."""
    if packet.proto != UDP:
        return packet.proto in _BY_PROTOCOL
    return packet.dport in _PORTS or packet.sport in _PORTS


def inner_packet(packet: Packet) -> Packet | None:
    """Return the packet that ``packet`` carries, None where it carries none. Never raises; see ``error`` of it."""
    if packet.related or packet.end <= packet.start:
        return None
    by_header = may_carry(packet)
    found = _find(packet, by_header)
    if found is None:
        return None
    inner = decode(packet.data[found.at : packet.end], packet.time, packet.hook, packet.indev, packet.outdev)
    whole = inner.error is None and inner.length == packet.end - found.at
    if not by_header and not whole:
        return None
    inner.pcap_cnt = packet.pcap_cnt
    around = packet.tunnel
    tag = b"" if around is None else around.tag
    depth = 1 if around is None else around.depth + 1
    inner.tunnel = _tunnel(found.kind, packet.src, packet.dst, depth, found.number, tag)
    inner.key += inner.tunnel.tag
    if depth > MAX_DEPTH:
        inner.error = "tunnel.depth"
    return inner


@lru_cache(4096)
def _tunnel(kind: str, src: bytes, dst: bytes, depth: int, number: bytes, around: bytes) -> Tunnel:
    ends = sorted((src, dst))
    parts = (kind.encode(), *ends, number, around)
    tag = blake2b(b"".join(bytes([len(part)]) + part for part in parts), digest_size=8).digest()
    return Tunnel(kind, src, dst, depth, tag)


def rewrite_inside(packet: Packet, inner: Packet, rewritten: bytes) -> bytes | None:
    """Return the bytes of ``packet`` with ``rewritten`` in place of the inner packet; None where the length differs, or
    a checksum over it could not be left out.
    """
    if len(rewritten) != len(inner.data):
        return None
    at = packet.end - len(rewritten)
    changed = packet.data[:at] + rewritten + packet.data[packet.end :]
    if packet.proto == UDP:
        if packet.version != 4:
            return None
        field = packet.l4 + _UDP_CHECKSUM
        return changed[:field] + b"\0\0" + changed[field + 2 :]  # RFC 768: none was made
    return None if packet.proto == _GRE and packet.data[packet.l4] & 0x80 else changed


def _find(packet: Packet, by_header: bool) -> _Inside | None:
    proto, data, at, end = packet.proto, packet.data, packet.start, packet.end
    if proto == UDP:
        return _in_udp(packet, data, at, end, by_header)
    if proto == _IPIP:
        return _Inside(at, "ipip")
    if proto == _IPV6:
        return _Inside(at, "6in4")
    if proto == _GRE:
        return _in_gre(data, at, end)
    if proto == _ETHERIP and data[at] >> 4 == 3:
        return _in_ethernet(data, at + 2, end, "etherip", b"")
    return None


def _in_gre(data: bytes, at: int, end: int) -> _Inside | None:
    if at + 4 > end:
        return None
    flags, kind = data[at], data[at + 2] << 8 | data[at + 3]
    if data[at + 1] & 7:  # version 1 carries PPP (RFC 2637)
        return None
    inner, number = at + 4, b""
    if flags & 0xC0:  # checksum, or RFC 1701's routing: both have four more bytes
        inner += 4
    if flags & 0x20:
        number = data[inner : inner + 4]
        inner += 4
    if flags & 0x10:
        inner += 4
    if flags & 0x40 or inner >= end:
        return None
    if kind in _IP_TYPES:
        return _Inside(inner, "gre", number)
    return _in_ethernet(data, inner, end, "gre", number) if kind == _ETHERNET else None


def _in_udp(packet: Packet, data: bytes, at: int, end: int, by_header: bool) -> _Inside | None:
    """The port that a datagram goes to says what its receiver takes it for; other ports: what has the form."""
    if end - at < 28:
        return None
    to = packet.dport
    if to in _VXLAN_PORTS:
        return _in_vxlan(data, at, end)
    if to == _GENEVE_PORT:
        return _in_geneve(data, at, end)
    if by_header:
        return _in_teredo(data, at, end, declared=True)
    if data[at : at + 4] == b"\x08\0\0\0":
        return _in_vxlan(data, at, end)
    return _in_geneve(data, at, end) or _in_teredo(data, at, end, declared=False)


def _in_vxlan(data: bytes, at: int, end: int) -> _Inside | None:
    if not data[at] & 8 or data[at + 7]:
        return None
    return _in_ethernet(data, at + 8, end, "vxlan", data[at + 4 : at + 7])


def _in_geneve(data: bytes, at: int, end: int) -> _Inside | None:
    if data[at] > 0x3F or data[at + 2] << 8 | data[at + 3] != _ETHERNET:
        return None
    return _in_ethernet(data, at + 8 + data[at] * 4, end, "geneve", data[at + 4 : at + 7])


def _in_teredo(data: bytes, at: int, end: int, *, declared: bool) -> _Inside | None:
    """RFC 4380 section 5.1.1: authentication and origin may come before the IPv6 packet."""
    if data[at : at + 2] == b"\0\1":
        at += 13 + data[at + 2] + data[at + 3]
    if data[at : at + 2] == b"\0\0":
        at += 8
    if at + 40 > end or data[at] >> 4 != 6 or at + 40 + (data[at + 4] << 8 | data[at + 5]) > end:
        return None
    if not declared and _TEREDO_PREFIX not in (data[at + 8 : at + 12], data[at + 24 : at + 28]):
        return None
    return _Inside(at, "teredo")


def _in_ethernet(data: bytes, at: int, end: int, kind: str, number: bytes) -> _Inside | None:
    """Return where the IP packet of a frame begins, behind at most two VLAN tags, whose numbers count too."""
    at += 12
    for _ in range(3):
        if at + 2 >= end:
            return None
        protocol = data[at] << 8 | data[at + 1]
        if protocol in _IP_TYPES:
            return _Inside(at + 2, kind, number)
        if protocol not in _VLAN_TYPES:
            return None
        number += data[at + 2 : at + 4]
        at += 4
    return None
