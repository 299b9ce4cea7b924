"""What is asked at a glance refuses nothing that a parser would take."""

import lzma
import re

from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import films, heads, lz, lzma_raw, structure

from .conftest import make_text

LOW = st.binary(max_size=24).map(lambda data: bytes(byte & 7 for byte in data))
"""Bytes that are small, as most of a header's."""
BLOCK = bytes((0x20, 65, 66, 2, 0, 0x10, 67, 1, 0, 0x10, 68, 3, 0, 0x10, 69, 4, 0)) + b"\xf0\x40" + bytes(30)
"""Sequences of LZ4: literals, and matches that reach back into them."""


def sequences(data: bytes, place: int) -> bool:
    return (lz.lz4_sequences(data, place) or 0) >= 3


@given(front=LOW | st.binary(max_size=24), cut=st.integers(0, len(BLOCK)))
def test_lz4_is_asked_wherever_its_sequences_hold(front: bytes, cut: int) -> None:
    data = front + BLOCK[:cut]
    assert lz.lz4_block(data) == (sequences(data, 0) or sequences(data, 4))


@given(front=LOW | st.binary(max_size=24))
def test_snappy_is_asked_wherever_its_elements_hold(front: bytes) -> None:
    literal, copies = b"\x0cabcd", bytes((0x01, 2, 0x05, 3, 0x09, 4))
    for data in (front, front + literal + copies, bytes((30,)) + literal + copies + front):
        assert lz.snappy_raw(data) == ((lz.snappy_tags(data) or 0) >= 3)


@given(size=st.integers(0, 255), literals=st.integers(1, 14), back=st.integers(1, 14))
def test_a_block_behind_its_size_is_seen_among_zeros(size: int, literals: int, back: int) -> None:
    back = min(back, literals)
    block = bytes((literals << 4,)) + bytes(range(65, 65 + literals)) + bytes((back, 0)) + BLOCK
    data = b"\0\0\0" + bytes((size,)) + block
    assert lz.lz4_block(data)
    assert re.match(rb"\0\0\0" + lz.SIZED, data, re.DOTALL)


def test_a_film_is_seen_behind_a_header_by_the_name_of_its_first_box() -> None:
    film = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\0\x10free" + bytes(8) + b"\0\0\1\0moov" + bytes(248)
    assert films.mp4(film)
    for front in (b"", b"\0\0\0\0", bytes(20), b"\x07chunk: "):
        assert structure.within(front + film) == len(front)
    assert structure.within(bytes(60) + b"\0\0\0\x18ftyq" + bytes(60)) is None


@given(header=st.binary(max_size=20), lc=st.sampled_from([0, 3]), pb=st.sampled_from([0, 2]))
def test_lzma_is_found_behind_the_headers_that_a_look_at_each_offset_finds(header: bytes, lc: int, pb: int) -> None:
    text = make_text(400)
    for coder in ({"id": lzma.FILTER_LZMA1, "lc": lc, "lp": 0, "pb": pb}, {"id": lzma.FILTER_LZMA2}):
        data = header + lzma.compress(text, lzma.FORMAT_RAW, filters=[coder])
        for find, parser, behind in (
            (lzma_raw.lzma2_behind, lzma_raw.lzma2_raw, lzma_raw.BEHIND_CHUNK),
            (lzma_raw.lzma_behind, lzma_raw.lzma_raw, lzma_raw.BEHIND),
        ):
            places = [at for at in range(1, behind + 1) if parser(data, at)]
            assert find(data) == (places[0] if places else None)
    assert heads.examine(data[len(header) :]) is not None
