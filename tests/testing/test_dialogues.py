"""Dialogues are right on the wire: dpkt, an implementation of others, reads the same bytes and checksums."""

from __future__ import annotations

from random import Random

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACK, FIN, INPUT, OUTPUT, PSH, RST, SYN, decode
from pywall_core.testing import conversation, fragment, icmp_error, udp_packet

V6 = {"client": ("2001:db8::1", 40000), "server": ("2001:db8::2", 443)}


def packet_sum(ip: dpkt.ip.IP | dpkt.ip6.IP6) -> int:
    """What dpkt puts into the checksum field when it is asked to compute it."""
    ip.data.sum = 0
    if isinstance(ip, dpkt.ip.IP):
        ip.sum = 0
    whole = bytes(ip)
    again = type(ip)(whole)
    return int(again.data.sum)


@pytest.mark.parametrize("ends", [{}, V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@given(data=st.binary(min_size=1, max_size=50))
def test_checksums_are_those_of_dpkt(transport: str, ends: dict, data: bytes) -> None:
    for _, raw in conversation(transport, **ends).client(data).server(data[::-1]).close().frames():
        ip = (dpkt.ip6.IP6 if ends else dpkt.ip.IP)(raw)
        written = ip.data.sum
        if not ends:
            assert ip.sum == dpkt.ip.IP(bytes(dpkt.ip.IP(raw[:10] + b"\0\0" + raw[12:]))).sum
        assert written == packet_sum(ip)


def test_handshake_data_and_teardown_are_numbered_as_tcp_counts() -> None:
    talk = conversation(sequence=(100, 2**32 - 1)).client(b"hello").server(b"hi").close()
    flags = [p.flags for p in talk]
    assert flags == [SYN, SYN | ACK, ACK, PSH | ACK, PSH | ACK, FIN | ACK, FIN | ACK, ACK]
    assert [p.seq for p in talk] == [100, 2**32 - 1, 101, 101, 0, 106, 2, 107]
    assert [p.ack for p in talk] == [0, 101, 0, 0, 106, 2, 107, 3]
    assert [p.hook for p in talk] == [INPUT, OUTPUT, INPUT, INPUT, OUTPUT, INPUT, OUTPUT, INPUT]
    assert [p.to_server for p in talk][:3] == [True, False, True]
    assert conversation().reset().packets()[-1].flags == RST | ACK


@given(st.binary(min_size=1, max_size=80), st.integers(1, 30), st.randoms())
def test_what_the_network_does_loses_nothing(data: bytes, size: int, random: Random) -> None:
    talk = conversation().client(data)
    for bad in (talk.split(size), talk.split(size).reorder(), talk.split(size).reorder(random), talk.duplicate(3)):
        stream = {p.seq - 1001: p.payload for p in bad if p.payload}
        assert b"".join(stream[at] for at in sorted(stream)) == data
        assert all(len(piece) <= max(size, len(data)) for piece in stream.values())


def test_split_reorder_duplicate_lose() -> None:
    talk = conversation().client(b"abcdef").server(b"xy").split(2)
    assert [data for _, data in talk.turns()] == [b"ab", b"cd", b"ef", b"xy"]
    assert [data for _, data in talk.reorder().turns()] == [b"ef", b"cd", b"ab", b"xy"]
    assert [data for _, data in talk.lose(0, -1).turns()] == [b"cd", b"ef"]
    assert [data for _, data in talk.duplicate().turns()] == [b"ab", b"ab", b"cd", b"cd", b"ef", b"ef", b"xy", b"xy"]
    pushed = [p.flags & PSH != 0 for p in talk if p.payload]
    assert pushed == [False, False, True, True]
    with pytest.raises(ValueError, match="for TCP"):
        conversation("udp").client(b"whole").split(2)


@pytest.mark.parametrize("ends", [{}, V6], ids=["ipv4", "ipv6"])
def test_fragments_have_the_whole_payload(ends: dict) -> None:
    talk = conversation("udp", **ends).client(bytes(range(200))).fragments(64)
    packets = talk.packets()
    assert [p.frag[1:] for p in packets if p.frag] == [(0, True), (64, True), (128, True), (192, False)]
    whole = conversation("udp", **ends).client(bytes(range(200))).packets()[0]
    assert b"".join(p.data[p.l4 : p.length] for p in packets) == whole.data[whole.l4 :]


def test_icmp_error_is_related_to_what_it_quotes() -> None:
    quoted = udp_packet("192.0.2.1", 1000, "198.51.100.2", 53, b"?")
    error = decode(icmp_error("198.51.100.2", quoted))
    assert error.related
    assert error.key == decode(udp_packet("198.51.100.2", 53, "192.0.2.1", 1000)).key
    quoted6 = udp_packet("2001:db8::1", 1000, "2001:db8::2", 53, b"?")
    assert decode(icmp_error("2001:db8::2", quoted6)).related


def test_fragment_sizes_are_whole_units() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        fragment(udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x" * 40), 12)
