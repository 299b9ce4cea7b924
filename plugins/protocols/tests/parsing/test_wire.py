"""What detectors share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.parsing import wire

from pywall_core.api import MORE, YES


def test_numbers_are_big_endian():
    data = b"\xff\1\2\3\4"
    assert (wire.u16(data, 1), wire.u24(data, 1), wire.u32(data, 1)) == (0x0102, 0x010203, 0x01020304)


@given(st.binary(max_size=2000))
def test_text_is_printable_and_short(raw):
    shown = wire.text(raw)
    assert len(shown) <= wire.FACT_LENGTH
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)


@pytest.mark.parametrize(("raw", "shown"), [(b"gr\xc3\xbc\xc3\x9f", "grüß"), (b"gr\xfc\xdf", "grüß"), ("a\0b", "a.b")])
def test_text_reads_utf8_else_latin1(raw, shown):
    assert wire.text(raw) == shown


def test_datagrams_leave_out_empty_and_cut_ones():
    assert list(wire.datagrams(b"aabcc", (2, 0, 1, 4))) == [b"aa", b"b"]
    assert wire.first_datagram(b"ab", (0, 2)) == b"ab"
    assert wire.first_datagram(b"", ()) == b""


def test_distinct_leaves_out_what_comes_twice_in_a_row():
    assert list(wire.distinct([b"a", b"a", b"b", b"a"])) == [b"a", b"b", b"a"]


@given(st.binary(max_size=12), st.binary(min_size=1, max_size=6))
def test_starts_says_more_only_for_a_beginning(data, magic):
    answer = wire.starts(data, magic)
    assert (answer is YES) == data.startswith(magic)
    assert (answer is MORE) == (magic.startswith(data) and data != magic)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x30\x03abc", (0x30, 2, 5)),
        (b"\x30\x82\1\0", (0x30, 4, 260)),
        (b"\x30\x80abc", None),
        (b"\x3f\x03abc", None),
        (b"\x30", None),
        (b"\x30\x89" + bytes(8) + b"\1a", None),
    ],
)
def test_tlv(data, value):
    assert wire.tlv(data, 0) == value


def test_tlv_stays_within_its_end():
    assert wire.tlv(b"\x30\x03abcd", 0, 5) == (0x30, 2, 5)
    assert wire.tlv(b"\x30\x04abcd", 0, 5) is None
