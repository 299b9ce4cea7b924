"""Framing of a stream of messages: what of each message is a header, a length, a counter, a type, an id or padding.

Ciphertext in frames looks like a file to any statistic of its bytes: two zero bytes of a length in 900 are enough. So
the bytes that framing explains are taken out before anything is counted. Three views, in this order:

- *records*: a length field leads from each record to the next, whatever the segments (`find_layout`), or a mark begins
  each (`cut_marks`);
- *columns*: bytes at the same offset of messages that repeat, count up or follow the message's length: the header ends
  behind the last such column (`header_size`); trailers are found in the same way from the end;
- *repeats*: four bytes in a row that occur again: ciphertext of some KiB has none (`without_repeats`).

Nothing here says whether what is left is ciphertext: a structured protocol leaves structured bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import log2
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

HEADER, TRAILER = 48, 8
"""Bytes at the start and at the end of a message in which columns are looked for."""
MESSAGES = 96
"""Messages of a direction that columns are looked for in, at most."""
FEW = 4
"""Messages below which a column proves nothing."""
SKIPPED = 16
"""Bytes of a message that are left out where there are too few messages to find its header."""
SEGMENT = 536
"""Payload size from which a TCP payload as large as the largest seen is taken for a part of a longer message."""


class Layout(NamedTuple):
    """Where a record says how long it is: `width` bytes (0: seven bits a byte, low bits first) at `offset`; `extra`
    bytes of header follow the field and are not counted by it, or -1 when it counts the whole record."""

    offset: int
    width: int
    order: Literal["big", "little"]
    extra: int


class Stripped(NamedTuple):
    """What is left of the messages, and what was found.

    `residual`: the bytes that framing does not explain. `total`: bytes of all messages. `messages`: their number.
    `header`, `trailer`: bytes of each message that columns explained. `columns`: explained columns in the header.
    `records`: records found behind length fields, 0 without. `repeated`: share of the bytes, 0 to 1, taken out as
    repeats. `padding`: share of the bytes that were runs of one value. `layout`: that of the records.
    """

    residual: bytes
    total: int
    messages: int
    header: int = 0
    trailer: int = 0
    columns: int = 0
    records: int = 0
    repeated: float = 0.0
    padding: float = 0.0
    layout: Layout | None = None


def join_segments(sizes: Sequence[int]) -> list[int]:
    """Join the sizes of payloads that are parts of one message: those as large as the largest, and what ends them."""
    largest = max(sizes, default=0)
    if largest < SEGMENT:
        return list(sizes)
    out: list[int] = []
    open_message = False
    for size in sizes:
        if open_message:
            out[-1] += size
        else:
            out.append(size)
        open_message = size == largest
    return out


def strip(data: bytes, sizes: Sequence[int], known: Layout | None = None) -> Stripped:
    """Take out of `data`, the payloads of one direction joined, what framing explains.

    `sizes`: bytes of each payload, in order; their sum is len(data). `known`: a layout of records that was found
    before.
    """
    joined = join_segments(sizes)
    messages = cut(data, joined)
    header, columns = header_size(messages)
    if not header and len(joined) < len(sizes):  # payloads of one size that are messages all the same
        apart = cut(data, sizes)
        header, columns = header_size(apart)
        messages = apart if header else messages
    records: list[int] = []
    layout = known
    if layout is None and not header:
        layout = find_layout(data, joined)
    if layout is not None:
        records = cut_records(data, layout)
    elif not header:
        records = cut_marks(data)
    if records:
        messages = cut(data, records)
        header, columns = header_size(messages)
    bodies = [message[header or min(SKIPPED, len(message) // 8) * (len(messages) < FEW) :] for message in messages]
    kept = [without_padding(body) for body in bodies]
    padding = sum(map(len, bodies)) - sum(map(len, kept))
    trailer, _ = header_size([body[::-1] for body in kept], TRAILER)
    left = b"".join(body[: len(body) - trailer] for body in kept)
    residual = without_repeats(left)
    total = max(len(data), 1)
    return Stripped(
        residual,
        len(data),
        len(joined),
        header,
        trailer,
        columns,
        len(records),
        (len(left) - len(residual)) / total,
        padding / total,
        layout,
    )


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The messages of these sizes that `data` consists of."""
    out, place = [], 0
    for size in sizes:
        out.append(data[place : place + size])
        place += size
    return out


RUN = 4
"""Bytes of one value in a row that are padding."""


def without_padding(message: bytes) -> bytes:
    """The message without its runs of zeros, 255, spaces, or its last byte's value."""
    for value in {0, 32, 255, *message[-1:]}:
        run = bytes((value,)) * RUN
        if run in message:
            message = re.sub(re.escape(run) + re.escape(run[:1]) + b"*", b"", message)
    return message


def header_size(messages: Sequence[bytes], most: int = HEADER) -> tuple[int, int]:
    """Return the size of the header that the messages have in common, and how many of its columns are explained.

    A column is explained when its values coincide far more often than random bytes do, count up, or follow the size
    of the message. The header ends behind the last explained column that stands near the others.
    """
    if len(messages) < FEW:
        return 0, 0
    chosen = messages[:MESSAGES]
    sizes = np.fromiter(map(len, chosen), dtype=np.int64, count=len(chosen))
    width = int(min(most, np.sort(sizes)[len(sizes) // 4]))
    long_enough = sizes >= width
    if width == 0 or int(long_enough.sum()) < FEW:
        return 0, 0
    table = np.frombuffer(b"".join(m[:width] for m, good in zip(chosen, long_enough, strict=True) if good), np.uint8)
    table = table.reshape(-1, width)
    explained = _coincide(table) | _count_up(table) | _follow(table, sizes[long_enough])
    places = np.flatnonzero(explained)
    end = last = 0
    for place in places.tolist():
        if place - last > 12:
            break
        end = last = place + 1
    return end, int(explained[:end].sum())


def _coincide(table: Bytes) -> npt.NDArray[np.bool_]:
    """Columns in which more pairs of messages have the same value than random bytes would."""
    number = len(table)
    ordered = np.sort(table, axis=0)
    if number <= 24:
        pairs = sum((ordered[lag:] == ordered[:-lag]).sum(axis=0) for lag in range(1, number))
    else:  # neighbours in order of size: a repeated value counts once less than it occurs
        pairs = (ordered[1:] == ordered[:-1]).sum(axis=0)
        distinct = 256 * (1 - np.exp(-number / 256))
        return np.asarray(pairs > (number - distinct) + 4 * (number - distinct) ** 0.5 + 3)
    expected = number * (number - 1) / 512
    return np.asarray(pairs >= expected + 4 * expected**0.5 + 2.5)


def _count_up(table: Bytes) -> npt.NDArray[np.bool_]:
    """Columns that change by the same step from most messages to the next: the low byte of a counter of any step."""
    steps = table[1:] - table[:-1]
    same = steps[1:] == steps[:-1]
    return np.asarray(same.sum(axis=0) >= max(2, int(0.6 * len(same))))


def _follow(table: Bytes, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Columns whose value is the low byte of the message's size plus a constant, or the byte above it."""
    low = (sizes[:, None] - table.astype(np.int64)) & 255
    same = (low[1:] == low[:-1]).mean(axis=0) >= 0.8
    if len(np.unique(sizes)) < 3:
        same[:] = False
    return np.asarray(same)


def cut_marks(data: bytes) -> list[int]:
    """Sizes of the records that a mark of four bytes begins; empty when none occurs FEW times at least."""
    size = min(len(data), SEARCHED)
    if size < 64:
        return []
    words = np.ndarray((size - 3,), "<u4", data, 0, (1,)).astype(np.uint32)
    ordered = np.sort(words)
    again = ordered[FEW - 1 :][ordered[FEW - 1 :] == ordered[: 1 - FEW]]
    again = again[again != (again & 255) * np.uint32(0x01010101)]  # a run of one value marks nothing
    if not again.size:
        return []
    values, counts = np.unique(again, return_counts=True)
    place = int(np.flatnonzero(np.isin(words, values[counts == counts.max()]))[0])
    mark = data[place : place + 4]
    starts = [found.start() for found in re.finditer(re.escape(mark), data)]
    bounds = [0, *(start for start in starts if start), len(data)]
    return [end - start for start, end in pairwise(bounds)]


def without_repeats(data: bytes) -> bytes:
    """Leave out every four bytes in a row that occur at least twice; all of `data` when that is more than a third of
    it.

    Ids, magic numbers, constant headers and runs repeat, ciphertext does not.
    """
    size = len(data)
    if size < 32:
        return data
    words = np.ndarray((size - 3,), "<u4", data, 0, (1,)).astype(np.uint32)
    ordered = np.sort(words)
    if not (ordered[1:] == ordered[:-1]).any():
        return data
    order = np.argsort(words, kind="stable")
    ordered = words[order]
    same = ordered[1:] == ordered[:-1]
    twice = np.zeros(size, dtype=np.bool_)
    starts = np.concatenate((order[1:][same], order[:-1][same]))
    for offset in range(4):
        twice[starts + offset] = True
    if 3 * int(twice.sum()) > size:
        return data
    return np.frombuffer(data, np.uint8)[~twice].tobytes()


_ORDERS: tuple[Literal["big", "little"], ...] = ("big", "little")
_FIELDS = tuple(
    (
        offset,
        width,
        order,
        tuple(Layout(offset, width, order, extra) for extra in ((0, 1, 2, 4, -1) if width > 1 else (0, 1, -1))),
    )
    for width in (8, 4, 3, 2, 1, 0)
    for order in (_ORDERS if width > 1 else _ORDERS[:1])
    for offset in range(9 if width > 1 else 5)
)
CONVINCING = 15.0
"""Bits that a chain must explain."""
SEARCHED = 4096
"""Bytes of a direction in which records are looked for."""
_LONGEST, _FIRST, _FIRST_OF_ONE, _STEPS = 20000, 2048, 159, 400
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
    ends = set(accumulate(sizes))
    best, best_score = None, CONVINCING
    for offset, width, order, layouts in _FIELDS:
        if width and int.from_bytes(start[offset : offset + width], order) > (_FIRST if width > 1 else _FIRST_OF_ONE):
            continue
        for layout in layouts:
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
    place, size, number, largest, landed, bits = 0, len(data), 0, 0, 0, 0
    while number < _STEPS:
        found = _length(data, place, layout)
        if found is None:
            break
        length, used = found
        if not 0 < length <= _LONGEST:
            return 0
        place += length
        number += 1
        bits += 8 * used
        largest = max(largest, length)
        if place > size:
            break
        landed += place in ends
        if number in (4, 8) and bits - number * log2(largest + 1) + 4 * landed < 0.7 * number:
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
    """Value and size of the field at `place`; None where it is cut off or too long."""
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
