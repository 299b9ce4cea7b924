"""Formats without a head prove themselves by decoding; random bytes do not."""

import random
import zlib

import pytest
from pywall_hedge.headless import packed, units_of_video


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
    frames = b"".join(b"\0\0\1\x41\x9a" + rng.randbytes(900).replace(b"\0\0", b"\0\1") for _ in range(3))
    assert units_of_video(frames[400:])
    assert not any(units_of_video(rng.randbytes(16_384)) for _ in range(200))
