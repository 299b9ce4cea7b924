"""Rows of a table that hold digests: as random as ciphertext, and far too short to carry it.

A list of hashes, of blocks or of objects repeats one row: a few bytes of it are constant, small or count up, and
between them stand 16 to 64 bytes that are as even as any ciphertext. Taken out by framing, the even ones alone would
look like a tunnel. A tunnel puts as much as it can behind each of its headers, and its messages are of many sizes.
Ciphertext cut up into such rows is a table to the letter, so a table is believed for some bytes only and one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from .later import np

if TYPE_CHECKING:
    import numpy.typing as npt

SHORTEST, LONGEST = 17, 140
"""Bytes of a row: a digest of 128 bits and a mark; two digests, numbers and a signature of 64 bytes."""
_DIGESTS = (16, 20, 28, 32, 40, 48, 64)
"""Bytes of digests, or of two of them, that stand in a row of a table."""
_NUMBER = 4
"""Bytes of a number beside a digest that are even too, at most."""
BELIEVED = 49152
"""Bytes from the start of a direction in which tables are believed: three quarters of the window."""
FEW = 4
"""Rows below which nothing is told."""
COVERED = 0.6
"""Share of the bytes, 0 to 1, that the rows must be."""
SUM, SHORT = 66, 4
"""Bytes of a signature of 512 bits and a line's end, and bytes of one that may look like text."""
NEXT = 6
"""Occurrences of a byte behind one that may be the same column of the next row."""

Table: TypeAlias = "npt.NDArray[np.uint8]"


class Tables:
    """Whether the tables that one direction of a flow sends are believed.

    `first`: the direction that sent one first, shared by both directions of a flow; empty so long as there is none.
    """

    __slots__ = ("_first", "_to_server")

    def __init__(self, to_server: bool = False, first: list[bool] | None = None) -> None:
        self._to_server = to_server
        self._first = [] if first is None else first

    def hold(self, data: bytes, messages: int, sent: int) -> bool:
        """Return True if `rows_of_digests(data, messages)` and that is believed: of the direction that sent a table
        first, while it has sent at most BELIEVED bytes (`sent`) of any kind."""
        if sent > BELIEVED or (not self._to_server) in self._first or not rows_of_digests(data, messages):
            return False
        self._first[:] = [self._to_server]
        return True


def rows_of_digests(data: bytes, messages: int) -> bool:
    """Return True if `data`, which came in so many messages, consists of rows with digests in them.

    At least two rows a message: messages of one size are no table. The phase may differ from message to message.
    """
    size = len(data)
    if size < FEW * SHORTEST:
        return False
    array = np.frombuffer(data, np.uint8)
    counts = np.bincount(array, minlength=256)
    expected = size / 256
    often = counts > expected + 4 * expected**0.5 + 4
    if not often.any():
        return False
    for value in np.flatnonzero(often)[np.argsort(-counts[often])][:2].tolist():
        period, begins = _period(np.flatnonzero(array == value))
        if len(begins) >= max(FEW, 2 * messages) and period * len(begins) >= COVERED * size:
            rows = array[begins[:, None] + np.arange(period)]
            even = _even_run(rows)
            return even < min(_DIGESTS) or any(0 <= even - digest <= _NUMBER for digest in _DIGESTS)
    return False


def _period(places: npt.NDArray[np.intp]) -> tuple[int, npt.NDArray[np.intp]]:
    """Return the distance of two places that is most frequent, from SHORTEST to LONGEST, and the places that another
    one follows at this distance: the beginnings of rows that do not overlap."""
    apart = [places[step:] - places[:-step] for step in range(1, min(NEXT, len(places) - 1) + 1)]
    near = [steps[(steps >= SHORTEST) & (steps <= LONGEST)] for steps in apart]
    found = np.concatenate(near) if near else places[:0]
    if not found.size:
        return SHORTEST, places[:0]
    period = int(np.bincount(found).argmax())
    begins, end = [], 0
    for place in sorted({*places.tolist()} & {*(places - period).tolist()}):
        if place >= end:
            begins.append(place)
            end = place + period
    return period, np.array(begins, dtype=np.intp)


def _even_run(table: Table) -> int:
    """Return the length of the longest run of columns that neither repeat nor count up, round the end of the row."""
    number, width = table.shape
    ordered = np.sort(table, axis=0)
    values = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
    steps = table[1:] - table[:-1]
    counts_up = (steps[1:] == steps[:-1]).mean(axis=0) >= 0.6
    known = np.flatnonzero((values <= max(2, number // 4)) | counts_up)
    if not known.size:
        return int(width)
    longest: int = np.diff(np.append(known, known[0] + width)).max().item()
    return longest - 1


def sums_behind_text(sizes: Sequence[int], sent: Sequence[int]) -> bool:
    """Return True if noise of these sizes is the signature of messages that were sent: of one length, behind at least
    as much text. Its first bytes may look like text.
    """
    longest = max(sizes)
    if longest > SUM or any(
        2 * size > all_of_it + SHORT or size == all_of_it for size, all_of_it in zip(sizes, sent, strict=True)
    ):
        return False
    return 10 * sum(size < longest - SHORT for size in sizes) <= len(sizes)
