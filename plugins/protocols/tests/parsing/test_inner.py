"""Packets inside packets."""

import pytest
from pywall_protocols.parsing.inner import ethernet_frame, ip_packet

from pywall_core.testing import udp_packet

IPV4 = udp_packet("192.0.2.1", 1, "198.51.100.2", 2, b"x" * 30)
IPV6 = udp_packet("2001:db8::1", 1, "2001:db8::2", 2, b"x" * 30)
ARP = bytes.fromhex("0001080006040001 020000000001 c0000201 000000000000 c0000202")
ADDRESSES = bytes.fromhex("020000000002 020000000001")


@pytest.mark.parametrize("packet", [IPV4, IPV6])
def test_an_ip_packet_ends_where_the_data_ends(packet):
    assert ip_packet(b"..." + packet, 3)
    assert not ip_packet(packet + b"\0", 0)
    assert not ip_packet(packet[:-1], 0)
    assert not ip_packet(packet, 1)


def test_padding_is_allowed_in_short_frames_only():
    short = udp_packet("192.0.2.1", 1, "198.51.100.2", 2, b"x")
    assert ethernet_frame(ADDRESSES + b"\x08\0" + short + bytes(46 - len(short)), 0)
    assert not ethernet_frame(ADDRESSES + b"\x08\0" + IPV4 + bytes(100), 0)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x08\0" + IPV4,
        b"\x86\xdd" + IPV6,
        b"\x08\6" + ARP,
        b"\x81\0\0\x05\x08\0" + IPV4,
        b"\x88\xcc" + bytes(20),
        b"\0\x26" + bytes(0x26),
    ],
)
def test_ethernet_frames(frame):
    assert ethernet_frame(ADDRESSES + frame, 0)


@pytest.mark.parametrize(
    "frame", [b"\x12\x34" + IPV4, b"\x86\xdd" + IPV4, b"\x08\0" + IPV4[:-1], b"\x08\6" + IPV4, b""]
)
def test_no_ethernet_frames(frame):
    assert not ethernet_frame(ADDRESSES + frame, 0)
