"""Packet: one decoded IP packet, what it came out of, and the numbers of hooks, IP protocols and TCP flags."""

from __future__ import annotations

from typing import Final, final

INPUT: Final = 1
FORWARD: Final = 2
OUTPUT: Final = 3
#: Names of the netfilter hooks by their numbers in ``linux/netfilter.h`` (NF_INET_LOCAL_IN ...).
HOOK_NAMES: Final = {INPUT: "INPUT", FORWARD: "FORWARD", OUTPUT: "OUTPUT"}

#: IP protocol numbers (IANA) that the core knows by name.
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58
#: ``app_proto`` of the IP protocols that carry nothing to detect: their number (IANA) is the name.
PROTOCOL_NAMES: Final = {
    ICMP: "icmp",
    2: "igmp",
    4: "ipip",
    33: "dccp",
    41: "6in4",
    46: "rsvp",
    47: "gre",
    50: "esp",
    51: "ah",
    ICMPV6: "icmpv6",
    88: "eigrp",
    89: "ospf",
    97: "etherip",
    103: "pim",
    108: "ipcomp",
    112: "vrrp",
    113: "pgm",
    115: "l2tp",
    132: "sctp",
    136: "udplite",
    137: "mpls",
}

#: TCP flag bits, RFC 9293 section 3.1.
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
URG: Final = 0x20


@final
class Tunnel:
    """One direction of a tunnel. Packets of both directions have the same ``tag``, eight bytes that end their keys.

    ``kind`` is ipip, 6in4, gre, etherip, vxlan, geneve or teredo; ``src`` and ``dst`` are packed addresses of the
    packet that carries. ``depth`` counts the packets around, from 1.
    """

    __slots__ = ("depth", "dst", "kind", "src", "tag")

    def __init__(self, kind: str, src: bytes, dst: bytes, depth: int, tag: bytes) -> None:
        self.kind = kind
        self.src = src
        self.dst = dst
        self.depth = depth
        self.tag = tag


class Packet:
    """One IP packet. Addresses are packed bytes (4 or 16), times seconds, lengths and offsets bytes.

    ``time`` is the engine's clock (monotonic when live, the capture's in replay). ``key`` identifies the flow and
    direction: protocol byte, source, destination, source port, destination port. ``error`` names what the decoder
    objects to (None: decoded well). ``related`` is True for an ICMP error, whose ``key`` is that of the flow it quotes,
    reversed. ``segments`` is for the plugin that provides ``segment``: the ordered bytes that this packet completes,
    as ``(offset, data, gap)``. ``frag`` is ``(identification, offset, more)`` of an IP fragment.
    """

    __slots__ = (
        "ack",
        "data",
        "dport",
        "dst",
        "end",
        "error",
        "flags",
        "frag",
        "hook",
        "indev",
        "key",
        "l4",
        "length",
        "outdev",
        "pcap_cnt",
        "proto",
        "related",
        "rewritten",
        "segments",
        "seq",
        "sport",
        "src",
        "start",
        "time",
        "to_server",
        "ttl",
        "tunnel",
        "version",
        "window",
    )

    time: float
    data: bytes
    hook: int
    #: interface names, empty where unknown
    indev: str
    outdev: str
    version: int
    proto: int
    src: bytes
    dst: bytes
    #: ports of TCP, UDP, UDP-Lite, SCTP, DCCP; identifier of ICMP echo; else 0
    sport: int
    dport: int
    #: length of the IP datagram by its header, never more than what is there unless ``error`` is "truncated"
    length: int
    #: TTL or hop limit
    ttl: int
    #: offset of the transport header; bytes ``data[start:end]`` are its payload
    l4: int
    start: int
    end: int
    #: TCP header fields (0 for other protocols); ``flags`` holds the low eight bits, ICMP: type << 8 | code
    flags: int
    seq: int
    ack: int
    window: int
    key: bytes
    related: bool
    frag: tuple[bytes, int, bool] | None
    error: str | None
    to_server: bool
    segments: tuple[tuple[int, bytes, int], ...]
    #: bytes that go on instead of ``data``, None: ``data``; any plugin may set it in ``decided``, the engine for REJECT
    rewritten: bytes | None
    #: number in the capture, from 1; 0 when live
    pcap_cnt: int
    #: what the packet came out of (``detection: {tunnels: true}``), None: it is not inside another one
    tunnel: Tunnel | None

    @property
    def payload(self) -> bytes:
        """The transport payload, a copy."""
        return self.data[self.start : self.end]

    def tcp_fields(self) -> tuple[bytes, int, int, int, int, int, bool, bool] | None:
        """Return ``data``, ``l4``, ``start``, ``end``, ``length``, ``flags``, ``to_server`` and whether the packet
        decoded well; None where it is no TCP segment. One call: each attribute that a plugin reads is a look-up.
        """
        if self.proto != TCP or self.related:
            return None
        well = self.error is None
        return self.data, self.l4, self.start, self.end, self.length, self.flags, self.to_server, well
