"""Headers of one IP packet, by struct: addresses, ports, flags, sequence numbers, where the payload lies.

Never raises: what it cannot read it names in ``Packet.error``, and the packet goes on with what was read so far.
Sources: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP), 4302 (AH).
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from ..model.packet import ACK, ICMP, ICMPV6, SYN, TCP, UDP, Packet
from .flow_key import NO_PORTS, PORT_PROTOCOLS, PROTO_BYTE, quoted_key

_IPV4 = Struct("!BxHHHBBxx4s4s").unpack_from  # version and IHL, total length, id, fragment, TTL, protocol, addresses
_IPV6 = Struct("!4xHBB16s16s").unpack_from
_TCP = Struct("!HHIIBBH").unpack_from
_UDP = Struct("!HHH").unpack_from
_PORTS = Struct("!HH").unpack_from
_U16 = Struct("!H").unpack_from

#: Extension headers of one packet beyond which decoding gives up (RFC 7112 leaves the number open).
MAX_EXTENSION_HEADERS: Final = 8

_FRAGMENT: Final = 44
_AUTHENTICATION: Final = 51
_EXTENSIONS: Final = frozenset({0, 43, 44, 51, 60, 135, 139, 140})
_ICMP_ERRORS: Final = frozenset({3, 4, 5, 11, 12})


def decode(data: bytes, time: float = 0.0, hook: int = 1, indev: str = "", outdev: str = "") -> Packet:
    """Decode an IP packet that begins at ``data[0]``; ``time`` in seconds, ``hook`` a netfilter hook number."""
    p = Packet()
    p.data = data
    p.time = time
    p.hook = hook
    p.indev = indev
    p.outdev = outdev
    p.related = False
    p.frag = None
    p.segments = ()
    p.rewritten = None
    p.pcap_cnt = 0
    p.tunnel = None
    p.to_server = True
    p.error = None
    size = len(data)
    if size >= 28 and _decode_common(p, data, size):
        return p
    p.version = p.proto = p.sport = p.dport = p.length = p.ttl = p.l4 = p.start = p.end = 0
    p.flags = p.seq = p.ack = p.window = 0
    p.src = p.dst = p.key = b""
    version = data[0] >> 4 if size else 0
    if version == 4:
        _decode_ipv4(p, data, size)
    elif version == 6:
        _decode_ipv6(p, data, size)
    else:
        p.error = "ip.version"
        p.length = p.end = size
    return p


def _u16(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]


def _u32(data: bytes, at: int) -> int:
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def _decode_common(p: Packet, data: bytes, size: int) -> bool:
    """TCP or UDP, whole, in IPv4 without options or fragments or IPv6 without extension headers: in one step."""
    first = data[0]
    if first == 0x45:
        if data[6] & 0x3F or data[7]:
            return False
        proto = data[9]
        if proto == TCP and size >= 40:
            length = _u16(data, 2)
            p.sport, p.dport = _u16(data, 20), _u16(data, 22)
            p.seq, p.ack = _u32(data, 24), _u32(data, 28)
            offset = data[32]
            p.flags = data[33]
            p.window = _u16(data, 34)
            start = 20 + (offset >> 4) * 4
            if not 40 <= start <= length <= size:
                return False
            p.end = length
        elif proto == UDP:
            length = _u16(data, 2)
            p.sport, p.dport = _u16(data, 20), _u16(data, 22)
            datagram = _u16(data, 24)
            start = 28
            if not 28 <= 20 + datagram <= length <= size:
                return False
            p.end = 20 + datagram
            p.flags = p.seq = p.ack = p.window = 0
        else:
            return False
        p.version = 4
        p.l4 = 20
        p.ttl = data[8]
        p.src, p.dst = data[12:16], data[16:20]
        p.key = PROTO_BYTE[proto] + data[12:24]
    elif first >> 4 == 6 and size >= 48:
        proto = data[6]
        if proto == TCP and size >= 60:
            length = 40 + _u16(data, 4)
            p.sport, p.dport = _u16(data, 40), _u16(data, 42)
            p.seq, p.ack = _u32(data, 44), _u32(data, 48)
            offset = data[52]
            p.flags = data[53]
            p.window = _u16(data, 54)
            start = 40 + (offset >> 4) * 4
            if not 60 <= start <= length <= size:
                return False
            p.end = length
        elif proto == UDP:
            length = 40 + _u16(data, 4)
            p.sport, p.dport = _u16(data, 40), _u16(data, 42)
            datagram = _u16(data, 44)
            start = 48
            if not 48 <= 40 + datagram <= length <= size:
                return False
            p.end = 40 + datagram
            p.flags = p.seq = p.ack = p.window = 0
        else:
            return False
        p.version = 6
        p.l4 = 40
        p.ttl = data[7]
        p.src, p.dst = data[8:24], data[24:40]
        p.key = PROTO_BYTE[proto] + data[8:44]
    else:
        return False
    p.proto = proto
    p.length = length
    p.start = start
    return True


def _decode_ipv4(p: Packet, data: bytes, size: int) -> None:
    p.version = 4
    if size < 20:
        p.length = p.end = size
        p.error = "ipv4.short"
        return
    first, length, ident, fragment, p.ttl, proto, p.src, p.dst = _IPV4(data)
    p.proto = proto
    header = (first & 15) * 4
    if length == 0:  # left to the network card (TSO) where the capture was made
        length = size
    p.length = length
    p.l4 = p.start = header
    p.end = min(length, size)
    p.key = PROTO_BYTE[proto] + p.src + p.dst + NO_PORTS
    if header < 20 or header > size:
        p.l4 = p.start = p.end = min(20, size)
        p.error = "ipv4.header_length"
    elif length < header:
        p.end = header
        p.error = "ipv4.total_length"
    else:
        if fragment & 0x3FFF:
            p.frag = (ident.to_bytes(2, "big"), (fragment & 0x1FFF) * 8, bool(fragment & 0x2000))
        _decode_behind(p, data, fragment & 0x1FFF, length - size)


#: errors that a first fragment may have because its transport header goes on in the next one
_SHORT: Final = frozenset({"tcp.short", "tcp.data_offset", "udp.short", "udp.length", "icmp.short", "transport.short"})


def _decode_ipv6(p: Packet, data: bytes, size: int) -> None:
    p.version = 6
    if size < 40:
        p.length = p.end = size
        p.error = "ipv6.short"
        return
    payload_length, proto, p.ttl, p.src, p.dst = _IPV6(data)
    p.proto = proto
    length = 40 + payload_length if payload_length else size  # 0: jumbogram (RFC 2675) or TSO
    p.length = length
    end = p.end = min(length, size)
    offset = 40
    fragment_offset = 0
    headers = 0
    while proto in _EXTENSIONS:
        headers += 1
        if headers > MAX_EXTENSION_HEADERS:
            p.error = "ipv6.too_many_headers"
            break
        if offset + 8 > end:
            p.error = "ipv6.extension_short"
            break
        if proto == _FRAGMENT:
            (field,) = _U16(data, offset + 2)
            fragment_offset = field & 0xFFF8
            if field & 0xFFF9:
                p.frag = (data[offset + 4 : offset + 8], fragment_offset, bool(field & 1))
            step = 8
        elif proto == _AUTHENTICATION:
            step = (data[offset + 1] + 2) * 4
        else:
            step = (data[offset + 1] + 1) * 8  # units of 8 bytes, not counting the first
        proto = data[offset]
        offset += step
        if offset > end:
            p.error = "ipv6.extension_length"
            offset = end
            break
        if fragment_offset:
            break
    p.proto = proto
    p.l4 = p.start = offset
    p.key = PROTO_BYTE[proto] + p.src + p.dst + NO_PORTS
    if p.error is None:
        _decode_behind(p, data, fragment_offset, length - size)


def _decode_behind(p: Packet, data: bytes, fragment_offset: int, missing: int) -> None:
    """Decode what follows the IP headers; ``missing`` bytes of the packet are not there."""
    if fragment_offset == 0:
        _decode_transport(p, data)
    if missing > 0:
        if p.error is None or p.frag is not None:
            p.error = "truncated"
    elif p.frag is not None and p.error in _SHORT:
        p.error = None  # the rest of the header is in a later fragment


def _decode_transport(p: Packet, data: bytes) -> None:
    """Ports, flags and payload bounds of what begins at ``p.l4`` and ends at ``p.end``; sets ``p.key``."""
    proto = p.proto
    at = p.l4
    room = p.end - at
    if proto == TCP:
        if room < 20:
            p.error = "tcp.short"
            return
        p.sport, p.dport, p.seq, p.ack, offset, p.flags, p.window = _TCP(data, at)
        header = (offset >> 4) * 4
        p.key = p.key[:-4] + data[at : at + 4]
        if header < 20 or header > room:
            p.start = p.end
            p.error = "tcp.data_offset"
        else:
            p.start = at + header
    elif proto == UDP:
        if room < 8:
            p.error = "udp.short"
            return
        p.sport, p.dport, length = _UDP(data, at)
        p.key = p.key[:-4] + data[at : at + 4]
        p.start = at + 8
        if length == 0 and room > 0xFFFF:  # jumbogram, RFC 2675
            length = room
        if length < 8 or length > room:
            if length > room and p.length > len(data):
                return  # the capture or the queue cut it; "truncated" says so
            p.start = p.end
            p.error = "udp.length"
        else:
            p.end = at + length
    elif proto in (ICMP, ICMPV6):
        if room < 8:
            p.error = "icmp.short"
            return
        _decode_icmp(p, data, at)
    elif proto in PORT_PROTOCOLS:
        if room < 4:
            p.error = "transport.short"
            return
        p.sport, p.dport = _PORTS(data, at)
        p.key = p.key[:-4] + data[at : at + 4]


def _decode_icmp(p: Packet, data: bytes, at: int) -> None:
    kind = data[at]
    p.flags = kind << 8 | data[at + 1]
    p.start = at + 8
    if p.proto == ICMP:
        echo, error = kind in (0, 8), kind in _ICMP_ERRORS
    else:
        echo, error = kind in (128, 129), kind < 128
    if echo:
        p.sport = p.dport = _U16(data, at + 4)[0]
        p.key = p.key[:-4] + data[at + 4 : at + 6] * 2
    elif error:
        quoted = quoted_key(data, at + 8, p.end, p.version)
        if quoted is not None:
            p.key = quoted
            p.related = True


def is_syn(packet: Packet) -> bool:
    """A TCP packet that asks for a new connection: SYN without ACK."""
    return packet.proto == TCP and packet.flags & (SYN | ACK) == SYN
