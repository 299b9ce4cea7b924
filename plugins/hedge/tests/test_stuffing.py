"""Byte stuffing is decoded: SLIP, HDLC and yEnc of noise; noise, files and text have no escapes."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge.stuffing import without_stuffing

NOISE = random.Random(11).randbytes(8000)
MARKS = {"slip": (0xDB, {0xC0: 0xDC, 0xDB: 0xDD}), "hdlc": (0x7D, {0x7E: 0x5E, 0x7D: 0x5D, 0x11: 0x31, 0x13: 0x33})}


def stuff(data: bytes, escape: int, forms: dict[int, int]) -> bytes:
    return b"".join(bytes((escape, forms[byte])) if byte in forms else bytes((byte,)) for byte in data)


def yenc(data: bytes) -> bytes:
    moved = bytes(byte + 42 & 255 for byte in data)
    return stuff(moved, 61, {0: 64, 10: 74, 13: 77, 61: 125})


@pytest.mark.parametrize("name", MARKS)
def test_what_was_escaped_comes_back_as_one_byte_each(name):
    inner = without_stuffing(stuff(NOISE, *MARKS[name]))
    assert inner is not None
    assert len(inner) == len(NOISE)
    assert len(set(inner)) == 256


def test_lines_of_yenc_are_joined():
    text = yenc(NOISE)
    inner = without_stuffing(b"".join(text[at : at + 128] + b"\r\n" for at in range(0, len(text), 128)))
    assert inner is not None
    assert len(inner) == len(NOISE)


@given(seed=st.integers(0, 1 << 32), size=st.integers(0, 6000))
def test_noise_has_no_escapes(seed, size):
    assert without_stuffing(random.Random(seed).randbytes(size)) is None


@given(data=st.binary(max_size=3000))
@settings(max_examples=60)
def test_any_bytes_are_taken(data):
    inner = without_stuffing(data)
    assert inner is None or len(inner) <= len(data)


@pytest.mark.parametrize("data", [zlib.compress(repr(range(9)).encode() * 900), b"text of words " * 90, bytes(2000)])
def test_files_and_text_have_no_escapes(data):
    assert without_stuffing(data) is None
