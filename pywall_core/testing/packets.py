"""IP packets as bytes, with correct lengths and checksums: what conversations are made of.

Sources: RFC 791, 8200 (headers), 1071 (checksum), 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP);
draft-ietf-opsawg-pcap (the capture file).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from struct import pack

from ..model.packet import ACK, ICMP, ICMPV6, TCP, UDP

LINKTYPE_RAW = 101


def checksum(data: bytes) -> int:
    """Return the Internet checksum of RFC 1071, 0 to 65535."""
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip_packet(src: str, dst: str, proto: int, payload: bytes, *, ttl: int = 64, ident: int = 0) -> bytes:
    """Return an IPv4 or IPv6 packet (by the addresses) around ``payload``; ``ident`` is IPv4's identification."""
    source, target = ip_address(src), ip_address(dst)
    if source.version != target.version:
        raise ValueError(f"{src} and {dst} are of different IP versions")
    if source.version == 6:
        return pack("!IHBB", 6 << 28, len(payload), proto, ttl) + source.packed + target.packed + payload
    head = pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, 0, ttl, proto, 0) + source.packed + target.packed
    return head[:10] + pack("!H", checksum(head)) + head[12:] + payload


def tcp_packet(
    src: str,
    sport: int,
    dst: str,
    dport: int,
    *,
    seq: int,
    ack: int = 0,
    flags: int = ACK,
    data: bytes = b"",
    options: bytes = b"",
    window: int = 65535,
    ttl: int = 64,
) -> bytes:
    """Return a TCP segment in an IP packet; ``options`` are padded to whole words with zeros (RFC 9293 section 3.2)."""
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) // 4
    ports_to_window = pack("!HHIIBBH", sport, dport, seq % 2**32, ack % 2**32, offset << 4, flags, window)
    segment = ports_to_window + b"\0\0\0\0" + options + data
    return ip_packet(src, dst, TCP, _with_checksum(src, dst, TCP, segment, 16), ttl=ttl)


def udp_packet(src: str, sport: int, dst: str, dport: int, data: bytes = b"", *, ttl: int = 64) -> bytes:
    """Return a UDP datagram in an IP packet."""
    datagram = pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ip_packet(src, dst, UDP, _with_checksum(src, dst, UDP, datagram, 6), ttl=ttl)


def icmp_error(src: str, quoted: bytes, *, kind: int | None = None, code: int = 0) -> bytes:
    """Return an ICMP error from ``src`` to the sender of the IP packet ``quoted``; destination unreachable by
    default.
    """
    if quoted[0] >> 4 == 6:
        dst = str(ip_address(quoted[8:24]))
        body = pack("!BBHI", 1 if kind is None else kind, code, 0, 0) + quoted[:1232]
        return ip_packet(src, dst, ICMPV6, _with_checksum(src, dst, ICMPV6, body, 2))
    dst = str(ip_address(quoted[12:16]))
    body = pack("!BBHI", 3 if kind is None else kind, code, 0, 0) + quoted[:548]
    return ip_packet(src, dst, ICMP, body[:2] + pack("!H", checksum(body)) + body[4:])


def fragment(packet: bytes, size: int, *, ident: int = 0x5057) -> list[bytes]:
    """Cut an IP packet without extension headers into fragments of at most ``size`` bytes of payload."""
    if size < 8 or size % 8:
        raise ValueError("the payload of a fragment is a multiple of 8 bytes")
    header = 40 if packet[0] >> 4 == 6 else 20
    payload = packet[header:]
    pieces = []
    for at in range(0, len(payload), size):
        part = payload[at : at + size]
        more = at + size < len(payload)
        if header == 40:
            extension = pack("!BBHI", packet[6], 0, at | more, ident)
            pieces.append(packet[:4] + pack("!HB", 8 + len(part), 44) + packet[7:40] + extension + part)
        else:
            head = packet[:2] + pack("!HHH", 20 + len(part), ident, more << 13 | at // 8) + packet[8:10]
            head += b"\0\0" + packet[12:20]
            pieces.append(head[:10] + pack("!H", checksum(head)) + head[12:] + part)
    return pieces


def write_pcap(path: Path | str, packets: Iterable[tuple[float, bytes]], *, linktype: int = LINKTYPE_RAW) -> None:
    """Write ``(seconds, frame)`` pairs as a pcap file with microseconds."""
    with Path(path).open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, linktype))
        for time, frame in packets:
            microseconds = round(time * 1_000_000)
            file.write(pack("<IIII", *divmod(microseconds, 1_000_000), len(frame), len(frame)) + frame)


def _with_checksum(src: str, dst: str, proto: int, segment: bytes, at: int) -> bytes:
    """``segment`` with its checksum at offset ``at`` (pseudo-headers: RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    addresses = ip_address(src).packed + ip_address(dst).packed
    if len(addresses) == 8:
        pseudo = addresses + pack("!HH", proto, len(segment))
    else:
        pseudo = addresses + pack("!II", len(segment), proto)
    value = checksum(pseudo + segment)
    if proto == UDP and value == 0:
        value = 0xFFFF
    return segment[:at] + pack("!H", value) + segment[at + 2 :]
