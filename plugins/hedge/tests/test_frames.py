"""Frames of a codec are told from ciphertext behind the same header by how uneven they begin."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import StreamClassifier
from pywall_hedge.frames import FEW, frames_of_codec


def sound(count, rng, start=b"\xfc"):
    """Frames that begin with a configuration; the range coder's first symbols are uneven."""
    return [
        start + bytes((rng.choice((0x1F, 0x0A, 0x85)) ^ rng.getrandbits(4),)) + rng.randbytes(rng.randint(60, 200))
        for _ in range(count)
    ]


def sealed(count, rng, start=b"\xfc"):
    return [start + rng.randbytes(rng.randint(60, 200)) for _ in range(count)]


HEADERS = {
    "none": lambda number, body: body,
    "length": lambda number, body: struct.pack(">H", len(body)) + body,
    "type, length, time": lambda number, body: struct.pack(">BHI", 1, len(body), 960 * number) + body,
    "masked counter": lambda number, body: struct.pack(">I", number ^ 0x5A17C3E9) + body,
}


def framed(bodies, header):
    return [HEADERS[header](number, body) for number, body in enumerate(bodies)]


@pytest.mark.parametrize("header", HEADERS)
def test_frames_are_told_from_ciphertext_behind_the_same_header(header):
    found = {
        make.__name__: [frames_of_codec(framed(make(40, random.Random(seed)), header)) for seed in range(20)]
        for make in (sound, sealed)
    }
    assert found["sound"].count(True) >= 19
    assert found["sealed"].count(True) == 0


@pytest.mark.parametrize("header", HEADERS)
def test_a_few_messages_of_a_size_that_sound_has_may_be_sound(header):
    rng = random.Random(4)
    assert frames_of_codec(framed(sealed(FEW - 1, rng), header)) is None
    assert frames_of_codec(framed(sealed(60, rng), header)) is False


def test_messages_without_anything_in_common_or_too_large_are_no_frames_of_sound():
    rng = random.Random(4)
    assert frames_of_codec(sealed(FEW, rng, start=b"") * 2) is not True
    assert frames_of_codec([rng.randbytes(1200) for _ in range(3)]) is False
    assert frames_of_codec([]) is None


@given(st.lists(st.binary(max_size=60), max_size=40), st.booleans())
def test_any_messages_get_an_answer(messages, again):
    assert frames_of_codec(messages, again=again) in (True, False, None)


@pytest.mark.parametrize("header", ["none", "length", "type, length, time"])
def test_a_call_passes_and_ciphertext_of_the_same_sizes_does_not(header):
    settled = []
    for make in (sound, sealed):
        stream = StreamClassifier()
        for message in framed(make(80, random.Random(6)), header):
            stream.update(message)
        settled.append(stream.settled())
    assert settled == [False, True]
