"""The longest segment that a SYN offers: made shorter, with a checksum that stays right (or wrong)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pywall_core.api import ACK, SYN, Packet, decode
from pywall_core.packet.segment_size import limit_segments
from pywall_core.testing import ip_packet

NOP, SCALE, PERMITTED, STAMPS = b"\1", b"\3\3\7", b"\4\2", b"\x08\x0a" + bytes(8)
#: bytes of options that the header's length can tell (RFC 9293 section 3.1: at most 15 words, 5 of them fixed)
LONGEST = 40


def syn(options: bytes, source: str = "192.0.2.1", target: str = "198.51.100.2", flags: int = SYN) -> bytes:
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) // 4 << 4
    header = struct.pack(">HHIIBBHHH", 40000, 80, 7, 9, offset, flags, 64240, 0, 0) + options
    ends = decode(ip_packet(source, target, 6, header))
    total = 0xFFFF - checksum(ends, header)
    return ip_packet(source, target, 6, header[:16] + total.to_bytes(2, "big") + header[18:])


def checksum(packet: Packet, segment: bytes) -> int:
    """The sum over pseudo header and segment (RFC 9293 section 3.1), 0xFFFF for a right checksum."""
    data = packet.src + packet.dst + len(segment).to_bytes(4, "big") + bytes([0, 0, 0, 6]) + segment
    total = sum(struct.unpack(f">{len(data) // 2}H", data + bytes(len(data) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def offered(data: bytes, before: int) -> int:
    """What is offered by an option behind ``before`` bytes of others."""
    at = decode(data).l4 + 20 + before
    assert data[at : at + 2] == b"\2\4"
    return int.from_bytes(data[at + 2 : at + 4], "big")


@given(
    before=st.lists(st.sampled_from([NOP, SCALE, PERMITTED, STAMPS]), max_size=3),
    behind=st.lists(st.sampled_from([NOP, SCALE, PERMITTED]), max_size=3),
    size=st.integers(0, 65535),
    limit=st.integers(1, 65535),
    six=st.booleans(),
    answer=st.booleans(),
)
def test_only_a_larger_offer_is_made_smaller(
    before: list[bytes], behind: list[bytes], size: int, limit: int, six: bool, answer: bool
) -> None:
    options = b"".join(before) + b"\2\4" + size.to_bytes(2, "big") + b"".join(behind)
    assume(len(options) <= LONGEST)
    ends = ("2001:db8::1", "2001:db8::2") if six else ("192.0.2.1", "198.51.100.2")
    data = syn(options, *ends, flags=SYN | ACK if answer else SYN)
    packet = decode(data)
    changed = limit_segments(packet, data, limit)
    if size <= limit:
        assert changed is None
        return
    assert changed is not None
    again = decode(changed)
    assert offered(changed, len(b"".join(before))) == limit
    assert checksum(again, changed[again.l4 :]) == 0xFFFF
    assert len(changed) == len(data)
    assert (again.key, again.seq, again.flags, again.window) == (packet.key, packet.seq, packet.flags, packet.window)


def test_a_wrong_checksum_stays_wrong() -> None:
    data = bytearray(syn(b"\2\4\x23\x28"))
    data[36] ^= 1
    changed = limit_segments(decode(bytes(data)), bytes(data), 1460)
    assert changed is not None
    assert checksum(decode(changed), changed[20:]) != 0xFFFF


@pytest.mark.parametrize(
    "options", [b"", b"\0\2\4\x23\x28", b"\2\4", b"\2\0\x23\x28", b"\2\3\x23\1", b"\5\xff", b"\1" * 40]
)
def test_what_offers_nothing_is_left_alone(options: bytes) -> None:
    data = syn(options)
    assert limit_segments(decode(data), data, 536) is None


@given(st.binary(max_size=40), st.integers(0, 65535))
def test_any_options_can_be_read(options: bytes, limit: int) -> None:
    data = syn(options)
    changed = limit_segments(decode(data), data, limit)
    assert changed is None or len(changed) == len(data)
