"""Frames of a codec in messages: uneven behind their header, where ciphertext is even.

A coder of sound begins each frame with what is nearly always the same (Opus: RFC 6716 section 3.1, AMR: RFC 4867
section 4.3.2, AAC: ISO/IEC 14496-3 section 4.4.2.1) and goes on with values of which some are frequent. Bytes of a
header are constant, count, follow the size or have few values; bytes of ciphertext have all values as often. What is
between the two is a codec's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LONGEST, SHORTEST = 400, 8
"""Bytes of a message of sound: 20 ms at 160 kbit/s, and 8 ms at 8 kbit/s."""
MOST = 64
"""Messages that are looked at."""
FEW, SOME, ENOUGH = 4, 8, 24
"""Messages below which nothing is told; below which all that begins alike may be sound; from which the uneven shows."""
WIDTH, GAP, BEHIND = 24, 12, 8
"""Bytes from the start within which a header ends, from one byte of it to the next at most, and bytes behind it that
are counted."""
PROOF, HINT = 6.0, 2.0
"""Deviations of chi-square that prove, and that leave it open."""
_DIGITS = np.zeros(256, dtype=np.bool_)
_DIGITS[list(b"0123456789abcdefABCDEF .,:-")] = True

Table = npt.NDArray[np.uint8]


def frames_of_codec(messages: Sequence[bytes], *, again: bool = False) -> bool | None:
    """Return whether messages of one direction are frames of a codec; None when there are too few to tell.

    Too few may be sound only: three in four of at most LONGEST bytes. `again`: earlier ones were, so less is asked for,
    and what is uneven may be taken for framing by chance.
    """
    chosen = [message for message in messages[:MOST] if len(message) >= SHORTEST]
    sized = [message for message in chosen if len(message) <= LONGEST]
    sound = 4 * len(sized) >= 3 * min(len(messages), MOST)
    sized = sized if sound else chosen
    number = len(sized)
    if number < FEW or (number < SOME and not sound):
        return None if sound else False
    sizes = np.fromiter(map(len, sized), dtype=np.int64, count=number)
    width = int(min(WIDTH + BEHIND, np.sort(sizes)[number // 4]))
    kept = [message[:width] for message in sized if len(message) >= width]
    table = np.frombuffer(b"".join(kept), np.uint8).reshape(-1, width)
    framing = _framing(table, sizes[sizes >= width])
    same = np.flatnonzero(framing[:WIDTH])
    if not same.size:
        return False
    end = int(same[np.flatnonzero(np.diff(same, append=999, prepend=-1)[1:] > GAP)[0]]) + 1
    shown = max(_uneven(table[:, at : at + BEHIND]) for at in ((end - 2, end - 1, end) if again else (end,)) if at > 0)
    number = len(table)
    if number >= SOME and shown >= (PROOF / 2 if again else PROOF):
        return True
    open_until = SOME if not _begins_sound(table[:, end - 1]) else 2 * SOME
    return None if sound and (number < open_until or (shown >= HINT and number < ENOUGH)) else False


def _begins_sound(column: Table) -> bool:
    """The bytes before the uneven ones may be Opus's or AMR's first: of one configuration, one frame a packet, two
    bits of padding."""
    counts = np.bincount(column)
    value = int(counts.argmax())
    return value & 3 == 0 and value > 3 and 10 * int(counts[value]) >= 7 * len(column)


def _framing(table: Table, sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Columns of a header: few values, digits, a counter (with steps of one sign, or combined with a mask), or a
    length."""
    number = len(table)
    few = _values(table) <= min(max(2, number // 3), 7)
    steps = (table[1:] - table[:-1]).astype(np.int8)
    one_way = np.maximum((steps > 0).mean(axis=0), (steps < 0).mean(axis=0)) >= min(max(0.85, 0.5 + 2 / number**0.5), 1)
    masked = 1 + _values(table[1:] ^ table[:-1]) <= min(max(2, number // 3), 6)
    whole = table.astype(np.int64)
    rests = (_values(sizes[:, None] - unit * whole & 255) for unit in (1, 2, 4))
    length = np.minimum.reduce([*rests]) <= max(2, number // 4)
    return np.asarray(few | one_way | masked | length | _DIGITS[table].all(axis=0))


def _values(table: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """How many different values each column has."""
    ordered = np.sort(table, axis=0)
    return np.asarray(1 + (ordered[1:] != ordered[:-1]).sum(axis=0))


def _uneven(table: Table) -> float:
    """How far the first columns are from even, all together or the first alone, in deviations of chi-square: of the
    upper three bits of each byte."""
    number, width = table.shape
    cells = (table >> 5) + 8 * np.arange(width, dtype=np.uint16)
    counts = np.bincount(cells.reshape(-1), minlength=8 * width).reshape(width, 8)
    chi2 = np.cumsum(((counts - number / 8) ** 2).sum(axis=1) * 8 / number)
    freedom = 7.0 * np.arange(1, width + 1)
    occupied = np.cumsum((counts > 0).sum(axis=1) >= 3)  # a number below 64 is uneven as well
    return float((((chi2 - freedom) / np.sqrt(2 * freedom)) * (occupied > 0)).max(initial=0.0))
