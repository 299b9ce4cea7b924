"""TPKT and the ISO transport protocol."""

import pytest
from pywall_protocols.parsing.tpkt import packet, user_data

from pywall_core.api import MORE, NO

OPENING = bytes.fromhex("03000016 11e00000000700c1020100c2020102c0010a")
EMPTY = bytes.fromhex("03000007 02f000")
DATA = bytes.fromhex("0300000a 02f080 010203")


def test_packets():
    assert packet(OPENING) == (4, 22)
    assert packet(OPENING + DATA, 22) == (26, 32)
    assert packet(b"\3\0\0") is MORE
    assert packet(b"\3\1\0\x10") is NO
    assert packet(b"\3\0\0\6") is NO


@pytest.mark.parametrize("before", [b"", OPENING, OPENING + EMPTY])
def test_user_data_is_behind_the_opening(before):
    start, end = user_data(before + DATA)
    assert (before + DATA)[start:end] == b"\1\2\3"


def test_no_user_data():
    assert user_data(OPENING) is MORE
    assert user_data(EMPTY * 5) is NO
    assert user_data(OPENING.replace(b"\x11\xe0", b"\x12\xe0")) is NO
    assert user_data(bytes.fromhex("0300000a 03f080 010203")) is NO
