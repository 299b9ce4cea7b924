"""Records in a stream: where one begins, whatever the segments.

A length field leads from each record to the next (`find_layout`), or a mark of four bytes begins each (`cut_marks`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import log2
from typing import Final, Literal, NamedTuple

from .later import np

OFTEN: Final = 4
"""Occurrences below which a mark proves nothing."""


class Layout(NamedTuple):
    """Where a record says how long it is: `width` bytes (0: seven bits a byte, low bits first) at `offset`; `extra`
    bytes of header follow the field and are not counted by it, or -1 when it counts the whole record."""

    offset: int
    width: int
    order: Literal["big", "little"]
    extra: int


_ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")
_FIELDS: Final = tuple(
    (
        offset,
        width,
        order,
        tuple(
            (Layout(offset, width, order, extra), offset + (offset + width + extra if extra >= 0 else 0))
            for extra in ((0, 1, 2, 4, -1) if width > 1 else (0, 1, -1))
        ),
    )
    for width in (8, 4, 3, 2, 1, 0)
    for order in (_ORDERS if width > 1 else _ORDERS[:1])
    for offset in range(9 if width > 1 else 5)
)
"""Where fields are looked for, with what they lay out: the second field follows the first by its value and the
number beside the layout."""
_ZEROS: Final = ((6, 8), (2, 4), (1, 3), (0, 2))
"""Zeros in a row that a first record of usual length needs at least in its field, and the widest such field."""
_FIELDS_OF: Final = {
    (least, widest): tuple(field for field in _FIELDS if least <= field[1] <= widest)
    for least in (0, 2)
    for _, widest in _ZEROS
}
_FULL: Final = range(1200, 1501)
"""Bytes of a payload that may be the first of many: then records behind fields of one byte wait for the second."""
_ZERO: Final = 17
"""Bytes from the start within which the first field is: one of three bytes or more has zeros, or the first record is
too long."""
CONVINCING: Final = 15.0
"""Bits that a chain must explain."""
SEARCHED: Final = 4096
"""Bytes of a direction in which records are looked for."""
EMPTY: Final = 40
"""Empty records that are passed over; they prove nothing."""
_LONGEST: Final = 20000
_FIRST: Final = 2048
_FIRST_OF_ONE: Final = 159
_STEPS: Final = 400
"""Bytes of a record, and of the first one, at most (where one byte says it: above, it proves nothing); records that are
followed."""


def find_layout(data: bytes, sizes: Sequence[int]) -> Layout | None:
    """Return the layout of the records that a chain of length fields divides the stream into, or None.

    Tried are fields of 1, 2, 3, 4 and 8 bytes in either order and variable-length ones. The chain must convince:
    random bytes would have had to match 14 bits.
    """
    if len(data) < 48:
        return None
    start = data[:SEARCHED]
    size = len(start)
    ends = set(accumulate(sizes))
    best, best_score = None, CONVINCING
    least = 2 if len(sizes) == 1 and len(data) in _FULL else 0
    front = start[:_ZERO]
    widest = next(widest for zeros, widest in _ZEROS if bytes(zeros) in front)
    for offset, width, order, layouts in _FIELDS_OF[least, widest]:
        first = int.from_bytes(start[offset : offset + width], order) if width else 0
        if first > (_FIRST if width > 1 else _FIRST_OF_ONE):
            continue
        for layout, skipped in layouts:
            if width > 1:  # where the second field says too much, as most do, there is no need to walk
                second = first + skipped
                if second + width > size or int.from_bytes(start[second : second + width], order) > _LONGEST:
                    continue
            score = _walk(start, ends, layout)
            if score > best_score:
                best, best_score = layout, score
    return best


def _length(data: bytes, place: int, layout: Layout) -> tuple[int, int] | None:
    field = _field(data, place + layout.offset, layout.width, layout.order)
    if field is None:
        return None
    value, used = field
    if layout.extra < 0:
        return (value, used) if value >= layout.offset + used else (-1, used)
    return value + layout.offset + used + layout.extra, used


def _walk(data: bytes, ends: set[int], layout: Layout) -> float:
    """Follow the chain; returns how much it convinces, in bits that random bytes would have had to match; 0 when it
    breaks.

    Each field has the bits that its largest value leaves unused; a record that ends where a message does has four more.
    """
    offset, width, order, extra = layout
    place, size, used = 0, len(data), width
    number = empty = largest = landed = bits = 0
    while number < _STEPS:
        at = place + offset
        if width > 1:
            if at + width > size:
                break
            length = int.from_bytes(data[at : at + width], order)
        elif at < size and (width or data[at] < 128):
            length, used = data[at], 1
        elif (found := _field(data, at, width, order)) is not None:
            length, used = found
        else:
            break
        header = offset + used
        if extra >= 0:
            header += extra
            length += header
        if not header <= length <= _LONGEST:
            return 0
        place += length
        if length == header:  # zeros are no chain of empty records
            empty += 1
            if empty > EMPTY:
                return 0
            continue
        number += 1
        bits += 8 * used
        if length > largest:
            largest = length
        if place > size:
            break
        if place in ends:
            landed += 1
        if (number == 4 or number == 8) and bits - number * log2(largest + 1) + 4 * landed < 0.7 * number:
            return 0
    return bits - number * log2(largest + 1) + 4 * landed if number >= 3 else 0


def cut_records(data: bytes, layout: Layout) -> list[int]:
    """Sizes of the records in `data`, their sum is len(data)."""
    out: list[int] = []
    place, size = 0, len(data)
    while place < size:
        found = _length(data, place, layout)
        length = found[0] if found is not None and 0 < found[0] <= _LONGEST else size - place
        out.append(min(length, size - place))
        place += length
    return out


def _field(data: bytes, place: int, width: int, order: Literal["big", "little"]) -> tuple[int, int] | None:
    """Return the value and size of the field at `place`; None where it is cut off or too long."""
    if width:
        if place + width > len(data):
            return None
        return int.from_bytes(data[place : place + width], order), width
    value = shift = 0
    for used in range(1, 4):
        if place + used > len(data):
            return None
        byte = data[place + used - 1]
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return (value, used) if value >= 128 or used == 1 else None
    return None


def cut_marks(data: bytes) -> list[int]:
    """Sizes of the records that a mark of four bytes begins; empty when none occurs OFTEN times at least."""
    size = min(len(data), SEARCHED)
    if size < 64:
        return []
    words = np.ndarray((size - 3,), "<u4", data, 0, (1,)).astype(np.uint32)
    ordered = words.copy()
    ordered.sort()
    often = ordered[OFTEN - 1 :] == ordered[: 1 - OFTEN]
    if not often[often.argmax()]:
        return []
    again = ordered[OFTEN - 1 :][often]
    again = again[again != (again & 255) * np.uint32(0x01010101)]  # a run of one value marks nothing
    if not again.size:
        return []
    values, counts = np.unique(again, return_counts=True)
    place = int(np.flatnonzero(np.isin(words, values[counts == counts.max()]))[0])
    mark = data[place : place + 4]
    starts = [found.start() for found in re.finditer(re.escape(mark), data)]
    bounds = [0, *(start for start in starts if start), len(data)]
    return [end - start for start, end in pairwise(bounds)]
