"""Framing is taken out: records, columns, repeats, padding; what is left of framed random bytes is those bytes."""

import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge.framing import header_size, join_segments, strip, without_padding
from pywall_hedge.records import Layout, cut_marks, find_layout


def bodies(seed, count=60, low=20, high=120):
    rng = random.Random(seed)
    return [rng.randbytes(rng.randint(low, high)) for _ in range(count)]


def test_a_stream_of_records_is_cut_whatever_the_segments():
    made = bodies(1)
    data = b"".join(struct.pack(">HI", len(body), number) + body for number, body in enumerate(made))
    found = strip(data, [1448] * (len(data) // 1448) + [len(data) % 1448])
    assert found.records == len(made)
    assert found.header == 6
    assert found.residual == b"".join(made)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("whole", [False, True], ids=["counts the body", "counts the record"])
def test_lengths_of_every_width_are_found(width, order, whole):
    made = bodies(width)
    data = b"".join((len(b) + width * whole).to_bytes(width, order) + b for b in made)
    found = find_layout(data, [len(data)])
    assert found is not None
    assert (found.offset, found.width) == (0, width)
    assert strip(data, [len(data)]).residual == b"".join(made)


def test_a_tag_before_a_sum_at_the_end_is_taken_out():
    rng = random.Random(6)
    made = [rng.randbytes(rng.randint(60, 200)) for _ in range(30)]
    messages = [b"\x07" + body + b"\x04\0\x10" + rng.randbytes(16) for body in made]
    found = strip(b"".join(messages), [*map(len, messages)])
    assert found.trailer == 3
    assert len(found.residual) == sum(map(len, made)) + 30 * 16


def test_a_checksum_is_no_content():
    rng = random.Random(9)
    short = [struct.pack("<IHH", n, 7, 33) + rng.randbytes(4) for n in range(60)]
    assert strip(b"".join(short), [*map(len, short)]).leaves_sums
    longer = [message + rng.randbytes(20) for message in short]
    assert not strip(b"".join(longer), [*map(len, longer)]).leaves_sums


def test_a_masked_counter_is_header():
    rng = random.Random(8)
    messages = [struct.pack(">HB", n ^ 0x35C1, 9) + rng.randbytes(90) for n in range(100, 140)]
    assert header_size(messages)[0] == 3


def test_a_varint_is_a_length():
    made = bodies(3, low=20, high=400)
    data = b"".join((bytes((len(b),)) if len(b) < 128 else bytes((len(b) & 127 | 128, len(b) >> 7))) + b for b in made)
    found = strip(data, [len(data)])
    assert found.layout is not None
    assert len(found.residual) >= 0.97 * sum(map(len, made))


def test_random_bytes_are_no_records():
    rng = random.Random(4)
    assert sum(find_layout(rng.randbytes(4000), [4000]) is not None for _ in range(60)) <= 3


def test_columns_of_messages():
    made = bodies(5)
    messages = [b"\xaa\x55" + bytes((number % 3,)) + struct.pack("<I", number) + b for number, b in enumerate(made)]
    assert header_size(messages)[0] == 7
    found = strip(b"".join(messages), [len(message) for message in messages])
    assert found.residual == b"".join(made)


def test_random_messages_have_no_header():
    assert sum(header_size(bodies(seed, 30))[0] > 4 for seed in range(40)) <= 4


def test_messages_of_one_size_are_told_from_segments():
    made = bodies(6, 40, 1100, 1100)
    messages = [struct.pack(">BBHI", 0x80, 97, number, 3000 * number) + b for number, b in enumerate(made)]
    found = strip(b"".join(messages), [len(message) for message in messages])
    assert found.header == 8
    assert found.residual == b"".join(made)


def test_a_mark_begins_records():
    made = bodies(7)
    data = b"".join(b"\x17\x83\xa1\x9f" + struct.pack("<Q", number) + b for number, b in enumerate(made))
    assert len(cut_marks(data)) in (len(made), len(made) + 1)
    assert len(strip(data, [len(data)]).residual) == pytest.approx(sum(map(len, made)), rel=0.02)


def test_padding_and_trailers():
    made = bodies(8)
    messages = [struct.pack("<H", len(b)) + b + bytes(-len(b) % 256) + b"END!" for b in made]
    found = strip(b"".join(messages), [len(message) for message in messages])
    assert found.padding > 0.3
    assert len(found.residual) == pytest.approx(sum(map(len, made)), rel=0.05)
    assert without_padding(b"abc" + bytes(40) + b"def") == b"abcdef"


def test_segments_are_joined_to_messages():
    assert join_segments([1448, 1448, 300, 20, 1448, 7]) == [3196, 20, 1455]
    assert join_segments([100, 100, 50]) == [100, 100, 50]
    assert join_segments([]) == []
    assert join_segments([633, 477, 374]) == [633, 477, 374]  # the largest message is no full segment
    assert join_segments([633, 633, 374]) == [1640]


@given(st.binary(max_size=3000), st.lists(st.integers(1, 700), max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_stripped(data, sizes):
    kept, total = [], 0
    for size in sizes:
        if total + size <= len(data):
            kept.append(size)
            total += size
    if total < len(data):
        kept.append(len(data) - total)
    found = strip(data, kept)
    assert len(found.residual) <= len(data) == found.total
    assert 0 <= found.repeated <= 1
    assert 0 <= found.padding <= 1
    assert found.layout is None or isinstance(found.layout, Layout)
