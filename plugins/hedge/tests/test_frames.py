"""Frames of a codec are told from ciphertext behind the same header by how uneven they begin."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import StreamClassifier
from pywall_hedge.frames import SHARED, SOME, Codec, _share_beginnings, frames_of_codec


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


@pytest.mark.parametrize("header", ["none", "length"])
def test_a_few_messages_that_begin_like_sound_may_be_sound(header):
    rng = random.Random(4)
    assert {frames_of_codec(framed(sealed(count, rng), header)) for count in range(1, SOME)} == {None}
    assert frames_of_codec(framed(sealed(60, rng), header)) is False


def test_a_few_messages_that_begin_otherwise_are_not():
    rng = random.Random(4)
    assert frames_of_codec(sealed(1, rng, start=b"")) is None
    assert frames_of_codec(sealed(2, rng, start=b"\x11")) is None
    assert [frames_of_codec(sealed(count, rng, start=b"\x11")) for count in (5, 60)] == [False] * 2
    assert [frames_of_codec([rng.randbytes(1200) for _ in range(count)]) for count in (1, 30)] == [False] * 2
    assert frames_of_codec([]) is None


def test_lengths_of_several_messages_in_a_payload_are_not_a_codecs():
    rng = random.Random(4)
    messages = [framed(sealed(1, rng), "length")[0] + framed(sealed(1, rng), "length")[0] for _ in range(40)]
    assert Codec().told(b"".join(messages), [*map(len, messages)], None, again=False) is not True


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


def shared(count, rng, least=2, most=20, loud=False):
    """Frames whose first bits are those of a few usual beginnings, for any number of bits."""
    usual = [rng.getrandbits(32) for _ in range(3)]
    for _ in range(count):
        bits = rng.randint(least, most)
        first = rng.choice(usual) >> 32 - bits << 32 - bits | rng.getrandbits(32 - bits)
        yield b"\xfc" + struct.pack(">I", first) + rng.randbytes(rng.randint(150, 640 if loud else 380))


@pytest.mark.parametrize("header", HEADERS)
def test_frames_that_share_any_number_of_bits_are_told(header):
    messages = [HEADERS[header](n, body) for n, body in enumerate(shared(40, random.Random(header), 10, 20))]
    assert frames_of_codec(messages) is True


def test_loud_frames_are_waited_for():
    """Half of them are of usual size, and the others not much larger."""
    rng = random.Random(4)
    messages = [struct.pack(">HI", len(body), n) + body for n, body in enumerate(shared(7, rng, loud=True))]
    assert frames_of_codec(messages) is None


def test_ids_of_whole_bytes_are_no_shared_beginning():
    rng = random.Random(6)
    ids = [rng.randbytes(3) for _ in range(12)]
    messages = [b"\x07" + rng.choice(ids) + rng.randbytes(200) for _ in range(40)]
    table = np.array([[*message[1:5]] for message in messages], np.uint8)
    assert _share_beginnings(table) == 0
    assert _share_beginnings(np.frombuffer(rng.randbytes(256), np.uint8).reshape(-1, 4)) < SHARED / 2


def test_a_header_longer_than_what_is_looked_at_is_no_frame():
    rng = random.Random(12)
    messages = []
    for number in range(24):
        sealed = rng.randbytes(rng.randint(80, 900))
        offsets = struct.pack("<IIHHHHIII", len(sealed) + 28, 16, 8, 12, 4, 8, 12, number, 8)
        messages.append(offsets + struct.pack("<I", len(sealed)) + sealed)
    assert frames_of_codec(messages) is False
