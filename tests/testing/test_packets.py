"""Packets of the test kit against scapy, an independent implementation: lengths, checksums, fragments, captures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, defragment
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6, defragment6
from scapy.utils import rdpcap

from pywall_core.testing import fragment, icmp_error, ip_packet, tcp_packet, udp_packet, write_pcap
from pywall_core.testing.packets import checksum

V4, V6 = ("192.0.2.1", "198.51.100.2"), ("2001:db8::1", "2001:db8::2")
ENDS = st.sampled_from([V4, V6])
PORTS = st.integers(0, 65535)


def parsed(data: bytes) -> Any:
    return IP(data) if data[0] >> 4 == 4 else IPv6(data)


def made_again(data: bytes) -> bytes:
    """The same packet with all lengths and checksums computed by scapy."""
    packet = parsed(data)
    for layer in (packet, packet.payload):
        for field in ("len", "plen", "chksum", "cksum"):
            if field in layer.fields:
                del layer.fields[field]
    return bytes(packet)


@given(ENDS, PORTS, PORTS, st.integers(0, 2**33), st.integers(0, 255), st.binary(max_size=60), st.binary(max_size=8))
def test_tcp(ends: tuple[str, str], sport: int, dport: int, seq: int, flags: int, data: bytes, options: bytes) -> None:
    packet = tcp_packet(ends[0], sport, ends[1], dport, seq=seq, flags=flags, data=data, options=options)
    layer = parsed(packet)[TCP]
    assert (layer.sport, layer.dport, layer.seq, int(layer.flags)) == (sport, dport, seq % 2**32, flags)
    assert layer.dataofs == 5 + (len(options) + 3) // 4
    assert packet.endswith(data)
    whole = bytes(layer)
    pseudo = _pseudo_header(ends, 6, len(whole))
    assert checksum(pseudo + whole) == 0, "with its own checksum a segment adds up to nothing"


@given(ENDS, PORTS, PORTS, st.binary(max_size=60))
def test_udp(ends: tuple[str, str], sport: int, dport: int, data: bytes) -> None:
    packet = udp_packet(ends[0], sport, ends[1], dport, data)
    assert packet == made_again(packet)
    layer = parsed(packet)[UDP]
    assert (layer.sport, layer.dport, bytes(layer.payload)) == (sport, dport, data)
    assert layer.chksum != 0, "zero would say that there is none"


@given(ENDS, st.binary(max_size=80))
def test_an_error_quotes_the_packet_and_goes_to_its_sender(ends: tuple[str, str], data: bytes) -> None:
    quoted = udp_packet(ends[0], 1000, ends[1], 53, data)
    error = icmp_error("192.0.2.9" if ends is V4 else "2001:db8::9", quoted)
    assert error == made_again(error)
    packet = parsed(error)
    assert packet.dst == ends[0]
    assert bytes(packet[ICMP if ends is V4 else ICMPv6DestUnreach].payload) == quoted


@given(ENDS, st.binary(min_size=9, max_size=300), st.sampled_from([8, 16, 64, 128]))
def test_fragments_make_the_packet_again(ends: tuple[str, str], data: bytes, size: int) -> None:
    packet = udp_packet(ends[0], 1000, ends[1], 53, data)
    pieces = [parsed(piece) for piece in fragment(packet, size)]
    if ends is V6:
        whole = defragment6(pieces)
        assert bytes(whole[UDP].payload) == data
        return
    assert all(bytes(piece) == made_again(bytes(piece)) for piece in pieces)
    (whole,) = [one for one in defragment(pieces) if UDP in one]
    assert bytes(whole[UDP].payload) == data


@pytest.mark.parametrize("size", [0, 7, 12])
def test_the_payload_of_a_fragment_is_whole_words(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        fragment(udp_packet(*V4[:1], 1, V4[1], 2, b"x" * 40), size)


def test_ends_of_two_ip_versions_are_refused() -> None:
    with pytest.raises(ValueError, match="different IP versions"):
        ip_packet(V4[0], V6[0], 17, b"")


def test_a_capture_is_read_back_with_its_times(tmp_path: Path) -> None:
    packets = [(1_700_000_000.000001, udp_packet(*V4[:1], 1, V4[1], 2, b"a")), (1_700_000_000.9999996, b"\x45")]
    write_pcap(tmp_path / "x.pcap", packets)
    read = rdpcap(str(tmp_path / "x.pcap"))
    assert [bytes(packet) for packet in read] == [data for _, data in packets]
    assert [float(packet.time) for packet in read] == pytest.approx([1_700_000_000.000001, 1_700_000_001.0], abs=5e-7)


def _pseudo_header(ends: tuple[str, str], proto: int, size: int) -> bytes:
    head = parsed(ip_packet(*ends, proto, b""))
    addresses = bytes(head)[12:20] if ends is V4 else bytes(head)[8:40]
    return addresses + (
        bytes([0, proto]) + size.to_bytes(2, "big") if ends is V4 else size.to_bytes(4, "big") + bytes([0, 0, 0, proto])
    )
