from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel.conntrack import Connection, _key, _tuple, parse
from pywall_core.kernel.netlink import NESTED, attribute, attributes, message, messages

V4 = st.binary(min_size=4, max_size=4)
V6 = st.binary(min_size=16, max_size=16)
PORT = st.binary(min_size=2, max_size=2)


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=40), max_size=8))
def test_netlink_attributes_round_trip(fields: dict[int, bytes]) -> None:
    assert attributes(b"".join(attribute(kind, value) for kind, value in fields.items())) == fields


@given(st.binary(max_size=200))
def test_netlink_readers_take_anything(data: bytes) -> None:
    attributes(data)
    list(messages(data))
    parse(data)


def test_netlink_message_layout() -> None:
    """``struct nlmsghdr`` and ``struct nfgenmsg``: the queue's number is in network order."""
    packed = message(0x302, 5, 2, b"body", resource=7, sequence=9)
    assert struct.unpack("=IHHII", packed[:16]) == (24, 0x302, 5, 9, 0)
    assert packed[16:] == b"\x02\x00\x00\x07body"
    assert list(messages(packed + packed)) == [(0x302, 9, packed[16:])] * 2


@given(st.sampled_from([6, 17, 132]), st.one_of(st.tuples(V4, V4), st.tuples(V6, V6)), PORT, PORT)
def test_conntrack_tuple_is_the_flow_key(
    proto: int, addresses: tuple[bytes, bytes], sport: bytes, dport: bytes
) -> None:
    key = bytes([proto]) + b"".join(addresses) + sport + dport
    assert _key(_tuple(key)) == key


@given(st.one_of(st.tuples(st.just(1), V4, V4), st.tuples(st.just(58), V6, V6)), PORT)
def test_conntrack_tuple_of_echo(ends: tuple[int, bytes, bytes], identifier: bytes) -> None:
    key = bytes([ends[0]]) + ends[1] + ends[2] + identifier * 2
    assert _key(_tuple(key)) == key


def test_conntrack_connection_with_counters() -> None:
    key = b"\x06" + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + b"\x80\x00\x00\x50"
    back = b"\x06" + bytes([10, 0, 0, 2, 10, 0, 0, 1]) + b"\x00\x50\x80\x00"

    def counters(packets: int, byte_count: int) -> bytes:
        return attribute(1, struct.pack(">Q", packets)) + attribute(2, struct.pack(">Q", byte_count))

    data = (
        attribute(1 | NESTED, _tuple(key))
        + attribute(2 | NESTED, _tuple(back))
        + attribute(8, struct.pack(">I", 0x1100))
        + attribute(9 | NESTED, counters(3, 180))
        + attribute(10 | NESTED, counters(2, 1 << 40))
    )
    assert parse(data) == Connection(key, back, 3, 180, 2, 1 << 40, 0x1100)
    assert parse(data[4 + len(_tuple(key)) :]) is None
