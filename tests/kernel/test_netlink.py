from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel.conntrack import parse
from pywall_core.kernel.netlink import attribute, attributes, message, messages


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
