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
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .later import np
from .records import Layout, cut_marks, cut_records, find_layout

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes: TypeAlias = npt.NDArray[np.uint8]

HEADER: Final = 48
TRAILER: Final = 8
SUM: Final = 16
"""Bytes at the start and at the end of a message in which columns are looked for; and before a sum of so many at the
end."""
MESSAGES: Final = 96
"""Messages of a direction that columns are looked for in, at most."""
FEW: Final = 4
"""Messages below which a column proves nothing."""
CHECKSUM: Final = 8
"""Bytes of a checksum or a digest of one message, at most."""
SKIPPED: Final = 16
"""Bytes of a message that are left out where there are too few messages to find its header."""
USUAL: Final = 1200
"""Bytes of a full segment on nearly all links: a shorter one must come twice to be one."""
SEGMENT: Final = 536
"""Payload size from which a TCP payload as large as the largest seen is taken for a part of a longer message."""


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

    @property
    def leaves_sums(self) -> bool:
        """What a header leaves of each message is no more than a checksum: as random as ciphertext, and no content."""
        number = max(self.messages, self.records)
        return self.header > 0 and number >= FEW and len(self.residual) <= CHECKSUM * number


def join_segments(sizes: Sequence[int], sent: Sequence[int] | None = None) -> list[int]:
    """Join the sizes of payloads that are parts of one message: those as large as the largest, and what ends them.

    `sent`: the sizes that the payloads had when text in front of them was still there.
    """
    sent = sizes if sent is None else sent
    largest = max(sent, default=0)
    if largest < SEGMENT or (largest < USUAL and sent.count(largest) < 2):
        return list(sizes)
    out: list[int] = []
    open_message = False
    for size, before in zip(sizes, sent, strict=True):
        if open_message:
            out[-1] += size
        else:
            out.append(size)
        open_message = before == largest
    return out


def strip(
    data: bytes,
    sizes: Sequence[int],
    known: Layout | None = None,
    sent: Sequence[int] | None = None,
    *,
    seek: bool = True,
) -> Stripped:
    """Take out of `data`, the payloads of one direction joined, what framing explains.

    `sizes`: bytes of each payload, in order; their sum is len(data). `known`: a layout of records that was found
    before. `sent`: as for `join_segments`. `seek`: records are looked for where none are known; it costs half of all.
    """
    joined = join_segments(sizes, sent)
    messages = cut(data, joined)
    header, columns = header_size(messages)
    if not header and len(joined) < len(sizes):  # payloads of one size that are messages all the same
        apart = cut(data, sizes)
        header, columns = header_size(apart)
        messages = apart if header else messages
    records: list[int] = []
    layout = known
    seek = seek and not header
    if layout is None and seek:
        layout = find_layout(data, joined)
    if layout is not None:
        records = cut_records(data, layout)
    elif seek:
        records = cut_marks(data)
    if records:
        messages = cut(data, records)
        header, columns = header_size(messages)
    bodies = [message[header or min(SKIPPED, len(message) // 8) * (len(messages) < FEW) :] for message in messages]
    kept = [without_padding(body) for body in bodies]
    padding = sum(map(len, bodies)) - sum(map(len, kept))
    trailer, before_sum = _trailer([body[::-1] for body in kept])
    left = b"".join(
        body[: len(body) - SUM - before_sum] + body[len(body) - SUM :] if before_sum else body[: len(body) - trailer]
        for body in kept
    )
    trailer += before_sum
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


def has_records(data: bytes, sizes: Sequence[int], sent: Sequence[int]) -> bool:
    """Return whether `strip` would find records in the data. It costs as much as all the rest of it."""
    return find_layout(data, join_segments(sizes, sent)) is not None or bool(cut_marks(data))


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return the messages of these sizes that `data` consists of."""
    out, place = [], 0
    for size in sizes:
        out.append(data[place : place + size])
        place += size
    return out


RUN: Final = 4
"""Bytes of one value in a row that are padding."""
_RUNS: Final = tuple(bytes((value,)) * RUN for value in range(256))


def without_padding(message: bytes) -> bytes:
    """Return the message without its runs of zeros, 255, spaces, or its last byte's value."""
    for value in {0, 32, 255, *message[-1:]}:
        run = _RUNS[value]
        if run in message:
            message = re.sub(re.escape(run) + re.escape(run[:1]) + b"*", b"", message)
    return message


def header_size(messages: Sequence[bytes], most: int = HEADER) -> tuple[int, int]:
    """Return the size of the header that the messages have in common, and how many of its columns are explained.

    A column is explained when its values coincide far more often than random bytes do, count up, or follow the size
    of the message. The header ends behind the last explained column that is near the others.
    """
    explained = _explained(messages, most)
    places = explained.nonzero()[0]
    end = last = 0
    for place in places.tolist():
        if place - last > 12:
            break
        end = last = place + 1
    return end, int(np.count_nonzero(explained[:end]))


def _trailer(turned: Sequence[bytes]) -> tuple[int, int]:
    """Return the size of the trailer that messages, turned round, have in common, and how many columns in a row stand
    before a sum of SUM bytes: a tag and its length."""
    explained = _explained(turned, SUM + TRAILER)
    places = explained[:TRAILER].nonzero()[0]
    if places.size:
        return int(places[-1]) + 1, 0
    tag = explained[SUM:]
    return 0, int(tag.argmin()) if tag[:2].all() and not tag.all() else 0


def _explained(messages: Sequence[bytes], most: int) -> npt.NDArray[np.bool_]:
    """Which of the first `most` columns of the messages framing explains; none where there are too few messages."""
    nothing = np.zeros(0, dtype=np.bool_)
    if len(messages) < FEW:
        return nothing
    chosen = messages[:MESSAGES]
    width = min(most, sorted(map(len, chosen))[len(chosen) // 4])
    kept = [message for message in chosen if len(message) >= width]
    if width == 0 or len(kept) < FEW:
        return nothing
    table = np.frombuffer(b"".join([message[:width] for message in kept]), np.uint8).reshape(-1, width)
    return _coincide(table) | _count_up(table) | counts_masked(table) | _follow(table, [*map(len, kept)])


def _coincide(table: Bytes) -> npt.NDArray[np.bool_]:
    """Columns in which more pairs of messages have the same value than random bytes would."""
    number = len(table)
    if number <= 24:
        pairs = (np.add.reduce(table[:, None] == table, axis=(0, 1), dtype=np.int64) - number) // 2
    else:  # neighbours in order of size: a repeated value counts once less than it occurs
        ordered = _ordered(table)
        pairs = np.add.reduce(ordered[1:] == ordered[:-1], axis=0)
        distinct = 256 * (1 - np.exp(-number / 256))
        return np.asarray(pairs > (number - distinct) + 4 * (number - distinct) ** 0.5 + 3)
    expected = number * (number - 1) / 512
    return np.asarray(pairs >= expected + 4 * expected**0.5 + 2.5)


def _count_up(table: Bytes) -> npt.NDArray[np.bool_]:
    """Columns that change by the same step from most messages to the next: the low byte of a counter of any step."""
    steps = table[1:] - table[:-1]
    same = steps[1:] == steps[:-1]
    return np.asarray(np.add.reduce(same, axis=0) >= max(2, int(0.6 * len(same))))


def counts_masked(table: Bytes) -> npt.NDArray[np.bool_]:
    """Columns that count up under a constant mask: a number and the next differ in the lowest bits alone, all by one,
    or nearly all by less than 16 where no number comes twice.
    """
    moved = table[1:] ^ table[:-1]
    by_one = np.logical_and.reduce((moved & (moved + 1)) == 0) & np.logical_or.reduce(moved)
    if not 8 <= len(table) <= 128:
        return np.asarray(by_one)
    ordered = _ordered(table)
    once = np.logical_and.reduce(ordered[1:] != ordered[:-1])
    return np.asarray(by_one | (once & ((moved < 16).mean(axis=0) >= 0.8)))


def _ordered(table: Bytes) -> Bytes:
    """Return the table with each column sorted."""
    ordered = table.copy()
    ordered.sort(axis=0)  # np.sort is Python around this
    return ordered


def _follow(table: Bytes, sizes: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Columns whose value is the low byte of the message's size plus a constant, or the byte above it."""
    if len({*sizes}) < 3:
        return np.zeros(table.shape[1], dtype=np.bool_)
    low = (np.array(sizes, dtype=np.int64)[:, None] - table.astype(np.int64)) & 255
    return np.asarray((low[1:] == low[:-1]).mean(axis=0) >= 0.8)


def without_repeats(data: bytes) -> bytes:
    """Leave out every four bytes in a row that occur at least twice; all of `data` when that is more than a third of
    it.

    Ids, magic numbers, constant headers and runs repeat, ciphertext does not.
    """
    size = len(data)
    if size < 32:
        return data
    words = np.ndarray((size - 3,), "<u4", data, 0, (1,)).astype(np.uint32)
    ordered = words.copy()
    ordered.sort()
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not repeated.size:
        return data
    places = repeated.searchsorted(words)
    found = repeated.take(places, mode="clip") == words
    twice = np.zeros(size, dtype=np.bool_)
    for offset in range(4):
        twice[offset : offset + len(found)] |= found
    if 3 * int(np.count_nonzero(twice)) > size:
        return data
    return np.frombuffer(data, np.uint8)[~twice].tobytes()
