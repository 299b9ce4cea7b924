"""Keys of flows: the same for both directions once one is turned round, also where an ICMP error quotes a packet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from pywall_core.model.packet import ICMP as ICMP_PROTOCOL
from pywall_core.packet.decode import decode
from pywall_core.packet.flow_key import quoted_key, reverse_key, stray_error

PORTS = st.integers(0, 65535)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), PORTS, PORTS, st.binary(max_size=8))
def test_the_other_direction_of_ipv4(src: object, dst: object, sport: int, dport: int, tag: bytes) -> None:
    there = decode(bytes(IP(src=str(src), dst=str(dst)) / TCP(sport=sport, dport=dport)))
    back = decode(bytes(IP(src=str(dst), dst=str(src)) / TCP(sport=dport, dport=sport)))
    assert reverse_key(there.key) == back.key
    assert reverse_key(there.key + tag) == back.key + tag, "the tag of a tunnel stays"


@given(st.ip_addresses(v=6), st.ip_addresses(v=6), PORTS, PORTS, st.binary(max_size=8))
def test_the_other_direction_of_ipv6(src: object, dst: object, sport: int, dport: int, tag: bytes) -> None:
    there = decode(bytes(IPv6(src=str(src), dst=str(dst)) / UDP(sport=sport, dport=dport)))
    back = decode(bytes(IPv6(src=str(dst), dst=str(src)) / UDP(sport=dport, dport=sport)))
    assert reverse_key(there.key) == back.key
    assert reverse_key(there.key + tag) == back.key + tag


@pytest.mark.parametrize("layer", [TCP(sport=1000, dport=80), UDP(sport=1000, dport=80), ICMP(type=8, id=77)])
def test_an_error_has_the_key_of_what_comes_back(layer: object) -> None:
    packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / layer / Raw(b"x" * 20))
    assert quoted_key(packet, 0, len(packet), 4) == reverse_key(decode(packet).key)


def test_an_error_about_a_protocol_without_ports() -> None:
    packet = bytes(IP(src="10.0.0.1", dst="10.0.0.2", proto=47) / Raw(b"x" * 20))
    assert quoted_key(packet, 0, len(packet), 4) == reverse_key(decode(packet).key)


@pytest.mark.parametrize("version", [4, 6])
def test_a_quotation_that_is_cut_or_of_another_version_has_no_key(version: int) -> None:
    head = IP(src="10.0.0.1", dst="10.0.0.2") if version == 4 else IPv6(src="fd00::1", dst="fd00::2")
    packet = bytes(head / UDP(sport=4000, dport=53))
    assert quoted_key(packet, 0, len(packet), version) is not None
    for end in range(len(packet)):
        assert quoted_key(packet, 0, end, version) is None
    options = bytes([packet[0] | 15]) + packet[1:]  # a header that says to be longer than what is quoted
    assert version == 6 or quoted_key(options, 0, len(options), 4) is None
    assert version == 6 or quoted_key(b"\x60" + packet[1:], 0, len(packet), 4) is None


def test_an_error_about_no_known_flow_gets_a_key_of_its_own() -> None:
    quoted = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=4000, dport=53))
    error = decode(bytes(IP(src="10.0.0.9", dst="10.0.0.1") / ICMP(type=3, code=3) / Raw(quoted)))
    assert error.related
    stray_error(error)
    assert not error.related
    assert error.key[:-4] == bytes([ICMP_PROTOCOL, 10, 0, 0, 9, 10, 0, 0, 1])


PAIRS = [("10.0.0.1", "10.0.0.2", True), ("10.0.0.2", "10.0.0.1", True), ("10.0.0.1", "10.0.0.3", False)]


@pytest.mark.parametrize(("src", "dst", "same"), PAIRS)
def test_errors_about_the_same_two_hosts_are_one_flow(src: str, dst: str, same: bool) -> None:
    keys = []
    for one, other in (("10.0.0.1", "10.0.0.2"), (src, dst)):
        quoted = bytes(IP(src=one, dst=other) / UDP(sport=4000, dport=53))
        error = decode(bytes(IP(src="10.0.0.9", dst="10.0.0.1") / ICMP(type=3, code=3) / Raw(quoted)))
        stray_error(error)
        keys.append(error.key)
    assert (keys[0] == keys[1]) is same
