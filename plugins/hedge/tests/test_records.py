"""Records behind length fields: the quick search finds what walking every layout to its end finds."""

from itertools import accumulate
from math import log2

from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge.records import CONVINCING, EMPTY, SEARCHED, Layout, cut_records, find_layout

LAYOUTS = [
    Layout(offset, width, order, extra)
    for width in (8, 4, 3, 2, 1, 0)
    for order in (("big", "little") if width > 1 else ("big",))
    for offset in range(9 if width > 1 else 5)
    for extra in ((0, 1, 2, 4, -1) if width > 1 else (0, 1, -1))
]


def read_field(data, at, layout):
    """Value and size of a field, None where there is none."""
    if layout.width:
        field = data[at : at + layout.width]
        return (int.from_bytes(field, layout.order), layout.width) if len(field) == layout.width else None
    value = 0
    for used, byte in enumerate(data[at : at + 3]):
        value |= (byte & 127) << 7 * used
        if byte < 128:
            return (value, used + 1) if value >= 128 or used == 0 else None
    return None


def walk(data, ends, layout):
    """The bits that a chain explains, step by step."""
    place = number = empty = largest = landed = bits = 0
    while number < 400 and place <= len(data):
        field = read_field(data, place + layout.offset, layout)
        if field is None:
            break
        value, used = field
        header = layout.offset + used + max(layout.extra, 0)
        length = value if layout.extra < 0 else value + header
        if not header <= length <= 20000:
            return 0.0
        place += length
        if length == header:
            empty += 1
            if empty > EMPTY:
                return 0.0
            continue
        number, bits, largest = number + 1, bits + 8 * used, max(largest, length)
        landed += place in ends
        score = bits - number * log2(largest + 1) + 4 * landed
        if number in (4, 8) and place <= len(data) and score < 0.7 * number:
            return 0.0
    return bits - number * log2(largest + 1) + 4 * landed if number >= 3 else 0.0


def search(data, sizes):
    """The most convincing of all layouts whose first record is not too long, the first of those alike."""
    if len(data) < 48:
        return None
    start, ends = data[:SEARCHED], set(accumulate(sizes))
    best, most = None, CONVINCING
    least = 2 if len(sizes) == 1 and len(data) in range(1200, 1501) else 0
    for layout in LAYOUTS:
        if layout.width < least or (layout.width > 2 and 0 not in start[:17]):
            continue
        first = read_field(start, layout.offset, layout)
        if layout.width and first is not None and first[0] > (2048 if layout.width > 1 else 159):
            continue
        score = walk(start, ends, layout)
        if score > most:
            best, most = layout, score
    return best


def lay_out(layout, bodies):
    """Records of a layout with these bodies."""
    out = b""
    for body in bodies:
        size = len(body) + (layout.offset + layout.width if layout.extra < 0 else 0)
        if layout.width:
            field = (size & ((1 << 8 * layout.width) - 1)).to_bytes(layout.width, layout.order)
        else:
            field = bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))
        out += b"\xa7" * layout.offset + field + b"\x5c" * max(layout.extra, 0) + body
    return out


bodies = st.lists(st.one_of(st.binary(max_size=12), st.binary(min_size=100, max_size=300)), max_size=12)
streams = st.builds(
    lambda layout, bodies, rest: lay_out(layout, bodies) + rest,
    st.sampled_from(LAYOUTS),
    bodies,
    st.binary(max_size=80),
)


@given(st.one_of(streams, st.binary(max_size=2000)), st.lists(st.integers(1, 400), max_size=10))
@settings(max_examples=300)
def test_nothing_is_missed(data, sizes):
    assert find_layout(data, sizes) == search(data, sizes)


@given(st.sampled_from([layout for layout in LAYOUTS if layout.width > 1]), st.integers(0, 255))
def test_records_of_every_layout_are_found(layout, fill):
    data = lay_out(layout, [bytes((fill,)) * size for size in (40, 71, 55, 90, 33, 64, 81)])
    found = find_layout(data, [len(data)])
    assert found is not None
    assert sum(cut_records(data, found)) == len(data)
