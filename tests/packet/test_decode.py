"""The decoder against scapy, an independent dissector, and against everything that is not a packet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.packet import Raw

from pywall_core.model.packet import Packet
from pywall_core.packet.decode import MAX_EXTENSION_HEADERS, decode
from pywall_core.packet.flow_key import reverse_key

addresses4 = st.ip_addresses(v=4).map(str)
addresses6 = st.ip_addresses(v=6).map(str)
ports = st.integers(0, 65535)
u32 = st.integers(0, 2**32 - 1)


@given(addresses4, addresses4, ports, ports, u32, u32, st.integers(0, 255), st.binary(max_size=60), st.booleans())
@settings(max_examples=150, deadline=None)
def test_ipv4_tcp_agrees_with_scapy(
    src: str, dst: str, sport: int, dport: int, seq: int, ack: int, flags: int, data: bytes, options: bool
) -> None:
    tcp = TCP(sport=sport, dport=dport, seq=seq, ack=ack, flags=flags, window=4096)
    if options:
        tcp.options = [("MSS", 1460), ("WScale", 7), ("SAckOK", b"")]
    raw = bytes(IP(src=src, dst=dst, ttl=9) / tcp / Raw(data))
    p = decode(raw, 1.5, 3)
    assert p.error is None
    assert (p.version, p.proto, p.ttl, p.hook, p.time) == (4, 6, 9, 3, 1.5)
    assert (p.sport, p.dport, p.seq, p.ack, p.flags, p.window) == (sport, dport, seq, ack, flags, 4096)
    assert p.payload == data
    assert p.length == len(raw)
    assert reverse_key(reverse_key(p.key)) == p.key


@given(addresses6, addresses6, ports, ports, st.binary(max_size=40), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_ipv6_ports_behind_extension_headers(
    src: str, dst: str, sport: int, dport: int, data: bytes, chain: int
) -> None:
    raw = IPv6(src=src, dst=dst, hlim=3)
    extensions = [
        IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]),
        IPv6ExtHdrRouting(addresses=["2001:db8::1"]),
        IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)]),
    ]
    for extension in extensions[:chain]:
        raw = raw / extension
    p = decode(bytes(raw / UDP(sport=sport, dport=dport) / Raw(data)))
    assert p.error is None
    assert (p.version, p.proto, p.sport, p.dport, p.payload) == (6, 17, sport, dport, data)


def test_same_key_in_both_directions() -> None:
    there = decode(bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1000, dport=80)))
    back = decode(bytes(IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=80, dport=1000)))
    assert there.key == reverse_key(back.key)
    assert there.key != back.key


def test_tcp_and_udp_of_the_same_ports_are_different_flows() -> None:
    tcp = decode(bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=53, dport=53)))
    udp = decode(bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=53, dport=53)))
    assert tcp.key != udp.key


@pytest.mark.parametrize("version", [4, 6])
def test_icmp_error_carries_the_key_of_the_flow_it_quotes(version: int) -> None:
    if version == 4:
        quoted = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000, dport=53) / Raw(b"x" * 20))
        error = bytes(IP(src="10.0.0.9", dst="10.0.0.1") / ICMP(type=3, code=3) / Raw(quoted))
    else:
        quoted = bytes(IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=4000, dport=53) / Raw(b"x" * 20))
        head = bytes([1, 4, 0, 0, 0, 0, 0, 0])
        error = bytes(IPv6(src="fd00::9", dst="fd00::1", nh=58) / Raw(head + quoted))
    p = decode(error)
    assert p.related
    assert p.key == reverse_key(decode(quoted).key)


def test_echo_request_and_reply_are_one_flow() -> None:
    there = decode(bytes(IP(src="10.0.0.1", dst="10.0.0.2") / ICMP(type=8, id=77, seq=1)))
    back = decode(bytes(IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=0, id=77, seq=1)))
    assert there.key == reverse_key(back.key)
    assert not there.related
    six = decode(bytes(IPv6(src="fd00::1", dst="fd00::2") / ICMPv6EchoRequest(id=5)))
    assert six.sport == six.dport == 5


def test_ipv4_fragments() -> None:
    whole = IP(src="10.0.0.1", dst="10.0.0.2", id=7) / UDP(sport=9, dport=10) / Raw(b"y" * 100)
    first, second = (decode(bytes(f)) for f in whole.__class__(bytes(whole)).fragment(fragsize=64))
    assert first.frag == (b"\0\7", 0, True)
    assert (first.sport, first.dport, first.error) == (9, 10, None)
    assert second.frag == (b"\0\7", 64, False)
    assert second.sport == 0


def test_ipv6_fragments_and_atomic_fragment() -> None:
    data = bytes(UDP(sport=9, dport=10) / Raw(b"y" * 16))
    base = IPv6(src="fd00::1", dst="fd00::2")
    later = decode(bytes(base / IPv6ExtHdrFragment(offset=3, m=0, id=5, nh=17) / Raw(data)))
    assert later.frag == (b"\0\0\0\5", 24, False)
    atomic = decode(bytes(base / IPv6ExtHdrFragment(offset=0, m=0, id=5, nh=17) / Raw(data)))
    assert atomic.frag is None  # RFC 6946: whole in itself
    assert atomic.dport == 10


BROKEN = {
    "ip.version": b"\x90" + bytes(30),
    "ipv4.short": bytes.fromhex("4500"),
    "ipv4.header_length": b"\x43" + bytes(IP(src="1.1.1.1", dst="2.2.2.2") / UDP())[1:],
    "ipv4.total_length": bytes.fromhex("45000010") + bytes(IP(src="1.1.1.1", dst="2.2.2.2") / UDP())[4:],
    "ipv6.short": b"\x60" + bytes(20),
    "tcp.short": bytes(IP(src="1.1.1.1", dst="2.2.2.2", proto=6) / Raw(b"12345678")),
    "tcp.data_offset": bytes(IP(src="1.1.1.1", dst="2.2.2.2") / TCP(dataofs=4) / Raw(b"x" * 9)),
    "udp.short": bytes(IP(src="1.1.1.1", dst="2.2.2.2", proto=17) / Raw(b"123")),
    "udp.length": bytes(IP(src="1.1.1.1", dst="2.2.2.2") / UDP(len=7) / Raw(b"x" * 9)),
    "icmp.short": bytes(IP(src="1.1.1.1", dst="2.2.2.2", proto=1) / Raw(b"123")),
    "truncated": bytes(IP(src="1.1.1.1", dst="2.2.2.2") / UDP() / Raw(b"x" * 90))[:60],
}


@pytest.mark.parametrize("error", BROKEN)
def test_what_is_wrong_is_named(error: str) -> None:
    p = decode(BROKEN[error])
    assert p.error == error
    assert p.end <= len(BROKEN[error])


def test_endless_extension_headers_stop() -> None:
    header = bytes([60, 0, 1, 4, 0, 0, 0, 0])
    raw = bytes(IPv6(src="fd00::1", dst="fd00::2", nh=60, plen=800) / Raw(header * 100))
    assert decode(raw).error == "ipv6.too_many_headers"
    assert decode(bytes(IPv6(nh=60) / Raw(header * (MAX_EXTENSION_HEADERS + 1)))).error == "ipv6.too_many_headers"


def check_bounds(p: Packet, raw: bytes) -> None:
    assert 0 <= p.start <= p.end <= len(raw)
    assert len(p.payload) == p.end - p.start
    assert isinstance(p.key, bytes)


@given(st.binary(max_size=120))
def test_noise_never_raises(raw: bytes) -> None:
    check_bounds(decode(raw), raw)


SEEDS = [*BROKEN.values(), bytes(IPv6(nh=44) / Raw(b"\x06\0\0\1" + bytes(40))), bytes(IP() / TCP() / Raw(b"hello"))]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=6), ports)
def test_mutated_packets_never_raise(raw: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(raw)
    for at, value in changes:
        if at < len(data):
            data[at] = value
    mutated = bytes(data[: cut % (len(data) + 1)])
    check_bounds(decode(mutated), mutated)
