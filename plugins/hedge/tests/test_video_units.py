"""Units with their lengths, as films hold them: pictures that no statistic tells from noise, sound between them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.films import mp4
from pywall_hedge.structure import looks_random
from pywall_hedge.video_units import are_units, exp_golomb

#: headers of a picture that needs no other, and of one that does, with what a slice begins with
AVC, HEVC = (b"\x65\x88\x84", b"\x41\x9a\x21"), (b"\x26\x01\xaf", b"\x02\x01\xd0")


def slice_of(head: bytes, size: int, seed: int) -> bytes:
    """What a coder of H.264 or H.265 leaves: noise, with a byte wherever a start code would stand."""
    noise = Random(seed).randbytes(size)
    for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"):
        noise = noise.replace(code, b"\0\7\7")
    return (len(head) + size).to_bytes(4, "big") + head + noise


def film(heads: tuple[bytes, bytes], *sizes: int, sound: int = 0) -> bytes:
    """Chunks of three pictures, and sound between them."""
    pictures = [slice_of(heads[number > 0], size, number) for number, size in enumerate(sizes)]
    chunks = [b"".join(pictures[at : at + 3]) for at in range(0, len(pictures), 3)]
    return b"".join(chunk + Random(100 + at).randbytes(sound) for at, chunk in enumerate(chunks))


@pytest.mark.parametrize("heads", [AVC, HEVC], ids=["H.264", "H.265"])
@pytest.mark.parametrize("sound", [0, 300, 9000])
def test_pictures_are_followed(heads, sound):
    body = film(heads, 30_000, 900, 800, 700, 21_000, 800, 900, 20_000, 500, sound=sound)
    for end in range(5000, len(body), 3001):
        assert are_units(body[:end])


def test_they_look_random():
    assert looks_random(film(AVC, 30_000)[:20_000])


def test_sound_may_come_first():
    assert are_units(Random(1).randbytes(5000) + film(AVC, 20_000, 900, 9000)[:40_000])


@given(st.binary(min_size=1, max_size=40), st.integers(0, 999))
def test_noise_behind_a_beginning_is_noise(opening, seed):
    noise = Random(seed).randbytes(60_000)
    assert not are_units(opening + noise)
    assert not are_units(film(AVC, 200, 300) + noise)
    assert not are_units(film(HEVC, 200, 300) + noise)


def test_a_slice_that_holds_a_start_code_is_none():
    body = bytearray(film(AVC, 30_000))
    body[20_000:20_003] = b"\0\0\1"
    assert not are_units(bytes(body))


def test_a_film_whose_tables_stand_at_its_end():
    head = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41\0\0\0\x08free"
    for heads in (AVC, HEVC):
        body = film(heads, 40_000, 900, 30_000)
        assert mp4(head + (len(body) + 8).to_bytes(4, "big") + b"mdat" + body)
    noise = Random(3).randbytes(60_000)
    assert not mp4(head + (len(noise) + 8).to_bytes(4, "big") + b"mdat" + noise)


def testexp_golomb():
    assert exp_golomb(b"\x88\x84", 3) == [0, 7, 0]
    assert exp_golomb(b"\x9a\x24", 3) == [0, 5, 0]
    assert exp_golomb(b"\x00\x00", 3) == []
    assert exp_golomb(b"", 1) == []
