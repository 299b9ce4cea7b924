"""Packets inside packets: does an IP packet or an Ethernet frame begin here, and end where the datagram ends?"""

from __future__ import annotations

from typing import Final

from .wire import cut, u16

_IPV4: Final = 0x0800
_ARP: Final = 0x0806
_IPV6: Final = 0x86DD
_TAGS: Final = frozenset({0x8100, 0x88A8})  # IEEE 802.1Q
#: LLDP, MPLS, PPPoE, EAPOL, Ethernet flow control, LACP, PTP, TRILL, transparent Ethernet bridging
_OTHERS: Final = frozenset({0x88CC, 0x8847, 0x8848, 0x8863, 0x8864, 0x888E, 0x8808, 0x8809, 0x88F7, 0x22F3, 0x6558})
#: shortest payload of an Ethernet frame: shorter ones are padded (IEEE 802.3)
_PADDED: Final = 46


def ip_packet(data: bytes, at: int, padded: bool = False) -> bool:
    """An IPv4 (RFC 791) or IPv6 (RFC 8200) packet from ``at`` to the end, or with up to 46 bytes of padding."""
    rest = len(data) - at
    if rest < 20:
        return False
    version = data[at] >> 4
    if version == 4:
        length = u16(data, at + 2)
        if not 20 <= (data[at] & 15) * 4 <= length:
            return False
    elif version == 6 and rest >= 40:
        length = 40 + u16(data, at + 4)
    else:
        return False
    return length == rest or (padded and length < rest <= _PADDED + 18)


def change_places(one: bytes, at: int, other: bytes, other_at: int) -> bool:
    """Return True if one IP packet goes where the other one comes from, as answers do; False if either is cut."""
    if at >= len(one) or other_at >= len(other):
        return False
    size, place = (4, 12) if one[at] >> 4 == 4 else (16, 8)
    at += place
    source, destination = cut(one, at, at + size), cut(one, at + size, at + 2 * size)
    said = cut(other, other_at + place, other_at + place + 2 * size)
    return len(destination) == size and source != destination and said == destination + source


def network_packet(data: bytes, at: int, ethertype: int) -> bool:
    """Return True if what an ethertype announces begins at ``at``."""
    if ethertype in (_IPV4, _IPV6):
        return ip_packet(data, at, padded=True) and data[at] >> 4 == (4 if ethertype == _IPV4 else 6)
    if ethertype == _ARP:
        return len(data) >= at + 28 and data[at : at + 4] == b"\0\1\x08\0" and data[at + 4 : at + 6] == b"\6\4"
    return ethertype in _OTHERS


def tells(ethertype: int) -> bool:
    """Return True if what the ethertype announces is looked into: behind the others anything may stand."""
    return ethertype in (_IPV4, _IPV6, _ARP)


def frame_tells(data: bytes, at: int) -> bool:
    """Return True if the Ethernet frame from ``at`` carries what is looked into."""
    kind = u16(data, at + 12) if len(data) >= at + 18 else 0
    return tells(u16(data, at + 16) if kind in _TAGS else kind)


def ethernet_frame(data: bytes, at: int) -> bool:
    """An Ethernet frame from ``at``: a known ethertype over its packet, or an IEEE 802.3 length."""
    kind_at = at + 12
    if len(data) < at + 18:
        return False
    kind = u16(data, kind_at)
    if kind in _TAGS:
        kind_at += 4
        kind = u16(data, kind_at)
    if kind <= 1500:
        rest = len(data) - kind_at - 2
        return kind >= 3 and (kind == rest or kind < rest <= _PADDED)
    return network_packet(data, kind_at + 2, kind)
