"""A packet has all of its attributes, whatever bytes it was decoded from."""

from __future__ import annotations

import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pywall_core.model.packet import HOOK_NAMES, ICMP, ICMPV6, PROTOCOL_NAMES, TCP, UDP, Packet
from pywall_core.packet.decode import decode
from pywall_core.testing import tcp_packet

BEGINNINGS = st.sampled_from(
    [b"", b"\x45", b"\x46\0\0\x40", b"\x60\0\0\0\0\x20\x2c\x40", tcp_packet("192.0.2.1", 1, "192.0.2.2", 2, seq=1)]
)


@given(BEGINNINGS, st.binary(max_size=120))
@example(b"", b"")
def test_every_attribute_is_set(beginning: bytes, rest: bytes) -> None:
    packet = decode(beginning + rest)
    names = Packet.__mypyc_attrs__ if hasattr(Packet, "__mypyc_attrs__") else Packet.__slots__
    assert [name for name in names if not hasattr(packet, name)] == []


@given(BEGINNINGS, st.binary(max_size=120))
def test_the_payload_lies_within_the_bytes_that_are_there(beginning: bytes, rest: bytes) -> None:
    packet = decode(beginning + rest)
    assert 0 <= packet.start <= packet.end <= len(packet.data)
    assert packet.l4 <= len(packet.data)
    assert packet.payload == packet.data[packet.start : packet.end]


def test_a_packet_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Packet().colour = "red"  # type: ignore[attr-defined]


def test_numbers_are_the_kernels_and_names_are_told_apart() -> None:
    assert {ICMP, TCP, UDP, ICMPV6} == {
        socket.IPPROTO_ICMP,
        socket.IPPROTO_TCP,
        socket.IPPROTO_UDP,
        socket.IPPROTO_ICMPV6,
    }
    assert HOOK_NAMES == {1: "INPUT", 2: "FORWARD", 3: "OUTPUT"}
    assert len(set(PROTOCOL_NAMES.values())) == len(PROTOCOL_NAMES)
    assert TCP not in PROTOCOL_NAMES
    assert UDP not in PROTOCOL_NAMES
