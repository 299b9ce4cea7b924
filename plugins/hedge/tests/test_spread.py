"""Constants between bytes are taken out; measured numbers have none."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.spread import without_constants

NOISE = random.Random(1).randbytes(3000)


def test_zeros_between_bytes(text):
    assert without_constants(b"".join(bytes((byte, 0)) for byte in NOISE)) == NOISE.replace(b"\0", b"")
    assert without_constants(text[:500].decode("latin1").encode("utf-16-be")) == text[:500]
    assert without_constants(NOISE) is None
    assert without_constants(bytes(64)) is None


@pytest.mark.parametrize(
    "pattern",
    [
        b"%c\0",
        b"\xff%c",
        b"%c\0\0",
        b"%c\0\0\0",
        b"%c%c\x80\x3f",
        b"%c%c%c\0",
        b"%c%c%c%c\0",
        b"\0" + 5 * b"%c",
        12 * b"%c" + b" ",
    ],
)
def test_constants_between_bytes_are_left_out(pattern):
    each = pattern.count(b"%c")
    spread = b"".join(pattern % tuple(NOISE[at : at + each]) for at in range(0, len(NOISE) - each + 1, each))
    assert without_constants(spread) in (NOISE, NOISE.replace(b"\0", b""))


def test_measured_numbers_are_none():
    """Their upper bytes are the same as well, those below have few values."""
    rng = random.Random(2)
    for mean, spread in ((20, 1), (300, 0.1), (1.5, 0.3)):
        numbers = struct.pack("<400d", *(rng.gauss(mean, spread) for _ in range(400)))
        assert without_constants(numbers) is None


def test_two_constants_of_nine():
    spread = b"".join(NOISE[at : at + 7] + b"\0\x80" for at in range(0, 2996, 7))
    assert without_constants(spread) == NOISE[:2996]


@given(st.binary(max_size=400))
def test_any_bytes_are_looked_at_for_constants(data):
    found = without_constants(data)
    assert found is None or len(found) < len(data)
