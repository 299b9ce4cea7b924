"""Formats without a head prove themselves by decoding; random bytes do not."""

import random
import zlib

import pytest
from pywall_hedge.headless import goes_on, key_frame, packed, units_of_video, units_with_lengths


@pytest.mark.parametrize("header", [0, 4, 9])
@pytest.mark.parametrize("flush", [zlib.Z_FINISH, zlib.Z_SYNC_FLUSH])
def test_raw_deflate_behind_a_header(text, header, flush):
    rng = random.Random(header)
    messages = []
    for number in range(3):
        coder = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = coder.compress(text[number * 900 : number * 900 + 900]) + coder.flush(flush)
        messages.append(rng.randbytes(header) + body)
    assert packed(messages, header) == "deflate"


def test_random_messages_are_not_packed():
    rng = random.Random(3)
    assert not any(packed([rng.randbytes(rng.randint(60, 900)) for _ in range(4)], 0) for _ in range(300))
    assert packed([], 0) is None
    assert packed([b"", b"x"], 4) is None


def test_a_unit_of_video_begins_in_the_noise():
    rng = random.Random(4)
    frames = [b"\0\0\1\x41\x9a" + rng.randbytes(900).replace(b"\0\0", b"\0\1") for _ in range(3)]
    assert units_of_video([b"".join(frames)[400:]])
    assert units_of_video(frames)
    assert not any(units_of_video([rng.randbytes(16_384)]) for _ in range(200))


@pytest.mark.parametrize("front", [b"\0\0\1\x41", b"\1\1\x0a\0\0\1\1\xbb\r\n"], ids=["length", "address"])
def test_a_length_or_an_address_in_front_of_noise_is_no_unit_of_video(front):
    rng = random.Random(8)
    noise = [rng.randbytes(321).replace(b"\0\0\1", b"\0\0\2") for _ in range(9)]
    assert not units_of_video([front + noise[0], *noise[1:]])


def test_a_key_frame_of_vp8_is_found():
    noise = random.Random(5).randbytes(4000)
    assert not key_frame(noise)
    assert key_frame(noise[:900] + b"\x50\x41\x02\x9d\x01\x2a\x40\x01\xf0\x00" + noise[900:])


def test_units_with_lengths_are_found_and_random_lengths_are_not():
    rng = random.Random(6)
    units = [b"\x67\x64\x00\x1e" + rng.randbytes(12), b"\x68\xee\x3c\x80", b"\x65\x88" + rng.randbytes(900)]
    message = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    assert units_with_lengths(b"\x09" + message[:600])
    assert not units_with_lengths(len(units[2]).to_bytes(4, "big") + units[2])
    for _ in range(300):
        sealed = rng.randbytes(rng.randint(20, 900))
        assert not units_with_lengths(len(sealed).to_bytes(4, "big") + sealed)


def test_a_video_must_go_on_as_it_began():
    rng = random.Random(8)
    frames = [rng.randbytes(8) + bytes((0x86,)) + rng.randbytes(300) for _ in range(6)]
    units = [b"\x09" + (300).to_bytes(4, "big") + b"\x41" + rng.randbytes(299) for _ in range(6)]
    sealed = [rng.randbytes(309) for _ in range(6)]
    assert goes_on(frames, 8) is True
    assert goes_on(frames, 0) is True  # too few of them for framing to find their header
    assert goes_on(units, 5) is True
    assert goes_on(sealed, 8) is False
    assert goes_on(frames[:2], 8) is None


def test_key_frames_of_vp9_and_av1_are_found():
    rng = random.Random(7)
    for head in (b"\x82\x49\x83\x42\x00\x0e", b"\x12\x00\x0a\x0b\x00\x00\x00"):
        assert key_frame(rng.randbytes(12) + head + rng.randbytes(500))
    assert not any(key_frame(rng.randbytes(16_384)) for _ in range(200))
