"""Frames of a codec in messages: uneven behind their header, where ciphertext is even.

A coder of sound begins each frame with what is nearly always the same (Opus: RFC 6716 section 3.1, AMR: RFC 4867
section 4.3.2, AAC: ISO/IEC 14496-3 section 4.4.2.1) and goes on with values of which some are frequent. Bytes of a
header are constant, count, follow the size or have few values; bytes of ciphertext have all values as often. What is
between the two is a codec's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from .framing import counts_masked, cut
from .later import np
from .records import Layout, cut_records, find_layout

LONGEST, SHORTEST = 400, 8
"""Bytes of a message of sound: 20 ms at 160 kbit/s, and 8 ms at 8 kbit/s."""
LOUD = 700
"""Bytes of the longest, where half of them are of usual size."""
MOST = 64
"""Messages that are looked at."""
FEW, SOME, ENOUGH = 3, 8, 24
"""Messages of sound below which nothing is told; from which the uneven may show; from which it must."""
WIDTH, GAP, BEHIND, STEP = 24, 12, 8, 16
"""Bytes from the start within which a header ends, from one byte of it to the next at most, bytes behind it that are
counted, and bytes after which a longer header is looked at again."""
PROOF, HINT = 6.0, 2.0
"""Deviations of chi-square that prove, and that leave it open."""
SHARED = 4
"""Messages that begin with many bits of another, which prove; half of them leave it open."""
_DIGITS = bytes(value in b"0123456789abcdefABCDEF .,:-" for value in range(256))
"""For each value whether it is a digit, or what stands between digits."""

if TYPE_CHECKING:
    import numpy.typing as npt

    Table: TypeAlias = npt.NDArray[np.uint8]


def frames_of_codec(messages: Sequence[bytes], *, again: bool = False) -> bool | None:
    """Return whether messages of one direction are frames of a codec; None when there are too few to tell.

    Too few may be sound only: three in four of at most LONGEST bytes. `again`: earlier ones may have been, so less is
    asked for, and what is uneven may be taken for framing by chance.
    """
    chosen = [message for message in messages[:MOST] if len(message) >= SHORTEST]
    sized = [message for message in chosen if len(message) <= LONGEST]
    number = min(len(messages), MOST)
    sound = 4 * len(sized) >= 3 * number or (2 * len(sized) >= number and all(len(m) <= LOUD for m in chosen))
    sized = sized if sound else chosen
    if len(sized) < (FEW if sound else SOME):
        return None if sound else False
    sizes = np.fromiter(map(len, sized), dtype=np.int64, count=len(sized))
    width = int(min(WIDTH + BEHIND, np.sort(sizes)[len(sized) // 4]))
    kept = [message[:width] for message in sized if len(message) >= width]
    table, number = np.frombuffer(b"".join(kept), np.uint8).reshape(-1, width), len(kept)
    framing = _framing(table, sizes[sizes >= width]) if number >= SOME else (table == table[0]).all(axis=0)
    same = np.flatnonzero(framing[:WIDTH])
    if not same.size:  # the first may be the rest of a message
        return None if again and sound and number < SOME else False
    end = int(same[np.flatnonzero(np.diff(same, append=999) > GAP)[0]]) + 1
    if end == WIDTH and width > WIDTH:  # the header goes on
        return frames_of_codec([message[STEP:] for message in messages], again=again)
    shown = max(_uneven(table[:, at : at + BEHIND]) for at in ((end - 2, end - 1, end) if again else (end,)) if at > 0)
    shared = _share_beginnings(table[:, end : end + 4]) if number >= SOME else 0
    if number >= SOME and (shown >= (PROOF / 2 if again else PROOF) or shared >= SHARED):
        return True
    if 2 * shared >= SHARED:
        return None
    likely = number < SOME if again else number >= SOME and shown >= HINT
    likely = likely or any(_begins_sound(table[:, : at + 1]) for at in same[same < end][-3:])
    likely = likely or (number < SOME and _begins_alike(table[:, end : end + 2], sizes[sizes >= width]))
    return None if (sound or shared) and number < ENOUGH and likely else False


def _begins_sound(header: Table) -> bool:
    """The last bytes of the headers may be Opus's or AMR's first: of one configuration, and one frame a packet (two
    bits of padding in AMR), or two to six of them and their number in the byte behind."""
    usual, before = (
        np.bincount(column).argmax() for column in (header[:, -1], header[:, -2 if header.shape[1] > 1 else -1])
    )
    often = 10 * int((header[:, -1] == usual).sum()) >= 7 * len(header)
    return bool(often and ((usual & 3 == 0 and usual > 3) or (before & 3 == 3 and 2 <= usual & 63 <= 6)))


def _share_beginnings(table: Table) -> int:
    """Return how many messages begin, behind the header, with more bits of another than chance gives to one in 256.

    What a coder writes first is often the same, and goes on differently after any number of bits. Where all that
    messages share are whole bytes, those are an id: 0.
    """
    number, width = table.shape
    if width < 4:
        return 0
    ordered = np.sort(np.ascontiguousarray(table).view(">u4").reshape(-1).astype(np.int64))
    apart = ordered[1:] ^ ordered[:-1]
    near = apart[(apart > 0) & (apart < (1 << 24) // number)]
    return len(near) if int((near >= 1 << 16).sum()) >= 2 else 0


def _begins_alike(table: Table, sizes: npt.NDArray[np.int64]) -> bool:
    """One of the columns, no counter and no length, has the same upper three bits, or the same upper six and several of
    the rest, in nearly all of the messages: a frame's first byte, or Opus's (RFC 6716, section 3.1).
    """
    least = len(table) - 1 if len(table) > 5 else len(table)
    for column in table.T:
        steps = np.diff(column.astype(np.int16))
        if (steps >= 0).all() or (steps <= 0).all() or len({*(sizes - column & 255).tolist()}) < 3:
            continue
        if np.bincount(column >> 5).max() >= least or len({*(column >> 2).tolist()}) == 1:
            return True
    return False


def _framing(table: Table, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Columns of a header: few values, digits, a counter (with steps of one sign, or combined with a mask), or a
    length."""
    number = len(table)
    few = _values(table) <= min(max(2, number // 3), 7)
    steps = (table[1:] - table[:-1]).astype(np.int8)
    one_way = np.maximum((steps > 0).mean(axis=0), (steps < 0).mean(axis=0)) >= min(max(0.85, 0.5 + 2 / number**0.5), 1)
    moved = table[1:] ^ table[:-1]
    masked = (1 + _values(moved) <= min(max(2, number // 3), 6)) | counts_masked(table)
    whole = table.astype(np.int64)
    rests = (_values(sizes[:, None] - unit * whole & 255) for unit in (1, 2, 4))
    length = np.minimum.reduce([*rests]) <= max(2, number // 4)
    return np.asarray(few | one_way | masked | length | np.frombuffer(_DIGITS, np.bool_)[table].all(axis=0))


def _values(table: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """How many different values each column has."""
    ordered = np.sort(table, axis=0)
    return np.asarray(1 + (ordered[1:] != ordered[:-1]).sum(axis=0))


def _uneven(table: Table) -> float:
    """How far the first columns are from even, all together or the first alone, in deviations of chi-square: of the
    upper three bits of the values of each.

    A value counts as one message in eight at most, or two: messages of two sorts repeat one.
    """
    width = table.shape[1]
    cells = (table + 256 * np.arange(width, dtype=np.uint16)).reshape(-1)
    values = np.bincount(cells, minlength=256 * width).reshape(width, 256)
    np.minimum(values, max(2, len(table) // 8), out=values)
    counts = values.reshape(width, 8, 32).sum(axis=2)
    number = counts.sum(axis=1, keepdims=True)
    chi2 = np.cumsum(((counts - number / 8) ** 2 * 8 / number).sum(axis=1))
    freedom = 7.0 * np.arange(1, width + 1)
    occupied = np.cumsum((counts > 0).sum(axis=1) >= 3)  # a number below 64 is uneven as well
    shown = float((((chi2 - freedom) / np.sqrt(2 * freedom)) * (occupied > 0)).max(initial=0.0))
    return max(shown, _coincide(values[0], len(table))) if width else 0.0


def _coincide(values: npt.NDArray[np.intp], number: int) -> float:
    """How far above chance pairs of messages have the same value in a column, in deviations; 0 where it has few
    values.

    `values`: how often each occurs, 256 numbers. A coder of sound has favourite first bytes.
    """
    if int((values > 0).sum()) < SOME:
        return 0.0
    expected = number * (number - 1) / 512
    pairs = int((values * (values - 1)).sum()) / 2
    return float((pairs - expected) / (expected + 0.5) ** 0.5)


class Codec:
    """Whether the messages of a direction are frames of a codec, asked again as more come."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen = False

    def told(self, data: bytes, sizes: list[int], layout: Layout | None, *, again: bool) -> bool | None:
        """Return as `frames_of_codec`, for messages of `sizes` that `data` consists of, or the records of `layout`."""
        again = again or self._seen
        found = frames_of_codec(cut(data, sizes), again=again)
        if layout is None and found and not self._seen:  # several in a payload: a length is uneven as well
            layout = find_layout(data, sizes)
            found = None if layout else True
        if layout is not None and not found:
            inner = frames_of_codec(cut(data, cut_records(data, layout)), again=again)
            found = inner if inner or found is False else found
        self._seen = self._seen or found is True
        return found
