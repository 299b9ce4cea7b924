"""Every link type hands out the IP packet that was put into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.sources.link import ethernet, unwrapper
from pywall_core.testing import udp_packet

IP4 = udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"four")
IP6 = udp_packet("2001:db8::1", 1, "2001:db8::2", 2, b"six")
MACS = bytes(12)
KNOWN = [0, 1, 8, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 204, 228, 229, 239, 276]


def h(text: str) -> bytes:
    return bytes.fromhex(text)


FRAMES = {
    "ethernet": (1, MACS + h("0800") + IP4, IP4),
    "ethernet, IPv6": (1, MACS + h("86dd") + IP6, IP6),
    "ethernet, padded": (1, MACS + h("0800") + IP4 + bytes(14), IP4 + bytes(14)),
    "802.3 with SNAP": (1, MACS + h("0030 aaaa03 000000 0800") + IP4, IP4),
    "802.3 with LLC": (1, MACS + h("0030 060603") + IP4, IP4),
    "VLAN": (1, MACS + h("8100 0064 0800") + IP4, IP4),
    "VLAN, then 802.3 with SNAP": (1, MACS + h("8100 0064 0030 aaaa03 000000 86dd") + IP6, IP6),
    "QinQ by 802.1ad": (1, MACS + h("88a8 0001 8100 0002 86dd") + IP6, IP6),
    "QinQ by 0x9100": (1, MACS + h("9100 0001 8100 0002 0800") + IP4, IP4),
    "PPPoE": (1, MACS + h("8864 11 00 0001 0020 0021") + IP4, IP4),
    "PPPoE in a VLAN": (1, MACS + h("8100 0007 8864 11 00 0001 0020 0057") + IP6, IP6),
    "MPLS": (1, MACS + h("8847 00001140") + IP4, IP4),
    "three MPLS labels": (1, MACS + h("8848 00001040 00002040 00003140") + IP6, IP6),
    "VLAN and MPLS": (1, MACS + h("8100 0007 8847 00001140") + IP4, IP4),
    "null, little endian": (0, h("02000000") + IP4, IP4),
    "null, big endian": (0, h("00000002") + IP4, IP4),
    "null, IPv6 of FreeBSD": (0, h("1c000000") + IP6, IP6),
    "null, IPv6 of macOS, big endian": (0, h("0000001e") + IP6, IP6),
    "loopback of OpenBSD": (108, h("00000018") + IP6, IP6),
    "null, IPv6 of Linux": (0, h("0a000000") + IP6, IP6),
    "raw": (101, IP4, IP4),
    "raw, 12": (12, IP6, IP6),
    "raw, 14": (14, IP4, IP4),
    "IPv4": (228, IP4, IP4),
    "IPv6": (229, IP6, IP6),
    "PPP": (9, h("0021") + IP4, IP4),
    "PPP with address and control": (9, h("ff03 0057") + IP6, IP6),
    "PPP, compressed protocol": (9, h("21") + IP4, IP4),
    "PPP, MPLS": (9, h("ff03 0281 00001140") + IP4, IP4),
    "PPP in HDLC framing": (50, h("ff03 0021") + IP4, IP4),
    "PPP_ETHER": (51, h("11 00 0001 0020 0021") + IP4, IP4),
    "PPP with direction": (204, h("01 ff03 0021") + IP4, IP4),
    "Cisco HDLC": (104, h("0f00 0800") + IP4, IP4),
    "Cisco HDLC in a file that says PPP": (50, h("8f00 86dd") + IP6, IP6),
    "cooked": (113, bytes(14) + h("0800") + IP4, IP4),
    "cooked, VLAN": (113, bytes(14) + h("8100 0064 86dd") + IP6, IP6),
    "cooked, LLC": (113, bytes(14) + h("0004 060603") + IP4, IP4),
    "cooked v2": (276, h("86dd") + bytes(18) + IP6, IP6),
    "cooked v2, MPLS": (276, h("8847") + bytes(18) + h("00001140") + IP4, IP4),
    "metadata of Cisco": (1, MACS + h("8909 01 01 0001 0002 0800") + IP4, IP4),
    "backbone bridge": (1, MACS + h("88e7 001ebb30") + MACS + h("8100 0064 86dd") + IP6, IP6),
    "802.11": (105, h("0801") + bytes(22) + h("aaaa03 000000 0800") + IP4, IP4),
    "802.11 with quality of service": (105, h("8801") + bytes(24) + h("aaaa03 000000 86dd") + IP6, IP6),
    "802.11 between access points": (105, h("0803") + bytes(28) + h("060603") + IP4, IP4),
    "802.11 behind radiotap": (
        127,
        h("00000c00") + bytes(8) + h("0801") + bytes(22) + h("aaaa03 000000 0800") + IP4,
        IP4,
    ),
    "NFLOG": (239, h("02000000 0500 0a00 00000000") + (len(IP4) + 4).to_bytes(2, "little") + h("0900") + IP4, IP4),
    "NFLOG, big endian": (
        239,
        h("0a000000 0005 000a 00000000") + (len(IP6) + 4).to_bytes(2, "big") + h("0009") + IP6,
        IP6,
    ),
    "SLIP": (8, bytes(16) + IP4, IP4),
}

OTHERS = {
    "arp": (1, MACS + h("0806") + bytes(28)),
    "stp": (1, MACS + h("0026 424203") + bytes(35)),
    "llc": (1, MACS + h("0026 f0f003") + bytes(35)),
    "lldp": (1, MACS + h("88cc") + bytes(28)),
    "pppoe.discovery": (1, MACS + h("8863 1109 0000 0000")),
    "ethertype 0x88b8": (1, MACS + h("88b8") + bytes(28)),
    "ppp 0xc021": (9, h("ff03 c021 0101")),
    "mpls payload": (1, MACS + h("8847 00001140 00000000") + bytes(30)),
    "address family 7": (0, h("07000000") + bytes(30)),
    "too many tags": (1, MACS + h("8100 0001") * 40 + h("0800") + IP4),
    "802.11 encrypted": (105, h("0841") + bytes(60)),
    "802.11 without data": (105, h("8000") + bytes(60)),
    "nflog": (239, bytes(4) + h("0400 0100") * 70),
    "ipx": (113, bytes(14) + h("0001") + bytes(30)),
    "cdp": (104, h("8f00 2000") + bytes(30)),
}


@pytest.mark.parametrize(("linktype", "frame", "packet"), FRAMES.values(), ids=FRAMES)
def test_the_ip_packet_is_found(linktype: int, frame: bytes, packet: bytes) -> None:
    unwrap = unwrapper(linktype)
    assert unwrap is not None
    assert unwrap(frame) == packet


@pytest.mark.parametrize(("reason", "linktype", "frame"), [(k, *v) for k, v in OTHERS.items()], ids=OTHERS)
def test_other_frames_get_a_reason(reason: str, linktype: int, frame: bytes) -> None:
    unwrap = unwrapper(linktype)
    assert unwrap is not None
    assert unwrap(frame) == reason


@pytest.mark.parametrize(("linktype", "frame", "packet"), FRAMES.values(), ids=FRAMES)
def test_no_prefix_of_a_frame_raises_or_invents_bytes(linktype: int, frame: bytes, packet: bytes) -> None:
    unwrap = unwrapper(linktype)
    assert unwrap is not None
    for size in range(len(frame)):
        found = unwrap(frame[:size])
        assert isinstance(found, str) or packet.startswith(found) or found in frame


@given(st.sampled_from(KNOWN), st.binary(max_size=60))
def test_any_frame_is_answered(linktype: int, frame: bytes) -> None:
    unwrap = unwrapper(linktype)
    assert unwrap is not None
    found = unwrap(frame)
    assert isinstance(found, str) or frame.endswith(found) or (linktype == 239 and found in frame)


def test_unknown_link_types_are_known_to_be_unknown() -> None:
    assert unwrapper(195) is None
    assert ethernet(b"") == "short"
