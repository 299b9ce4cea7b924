"""Statistics of a payload that tell compressed from encrypted bytes: the model's input.

Everything is computed from one vector of bytes: counts of 10-bit windows over all bit offsets, in both bit orders
(Huffman coders that fill bytes from the low end, as Deflate's, look random in the other order), counts of bytes and
of pairs of nibbles, sums over blocks, repeats, and counts of syntax that only some formats have. Where a quantity has
a known mean and deviation for random bytes it is given as a z-score, so that lengths compare; `squash` tames the tails.
"""

from __future__ import annotations

import threading
from math import exp
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

SHORTEST = 32
"""Octets below which the statistics mean nothing."""

WINDOW = 10
_CELLS = 1 << WINDOW
_LEVELS = 2 ** np.arange(WINDOW + 1)
_HIGH_FIRST = np.arange(14, 6, -1)[:, None]
_LOW_FIRST = np.arange(8)[:, None]


class _Scratch(threading.local):
    """Memory that is used again: fresh memory of this size costs more in page faults than the counting itself."""

    def __init__(self) -> None:
        self._cells = np.empty(0, dtype=np.int64)

    def take(self, size: int) -> npt.NDArray[np.int64]:
        if len(self._cells) < size:
            self._cells = np.empty(size, dtype=np.int64)
        return self._cells[:size]


_scratch = _Scratch()
_POPULATION = np.array([bin(value).count("1") - 4 for value in range(256)], dtype=np.float32)
_BLOCKS = (2, 4, 8, 16)
_LAGS = (1, 2, 4)

SYNTAX = (b"\xff\x00", b"\xff\xfb", b"\xff\xf1", b"\xff\xf9", b"\xff\xff", b"\x00\x00", b"\x00\x00\x01", b"OggS")
"""Byte strings that are counted: stuffing and sync words of JPEG, MP3, ADTS and FLAC, start codes, page and chunk
names."""
_SYNTAX = [(text, 256.0 ** -len(text)) for text in SYNTAX]


def byte_counts(payload: bytes) -> npt.NDArray[np.int64]:
    """How often each byte value occurs, shape (256,)."""
    return np.bincount(np.frombuffer(payload, dtype=np.uint8), minlength=256)


def windows(data: Bytes) -> Vector:
    """Count the 10-bit windows at every bit offset, most significant bit first (column 0) and least first (column 1).

    `data`: at least 3 bytes. Shape (1024, 2), sum 8 * (len - 2) a column.
    """
    wide = data.astype(np.int64)
    first, middle, last = wide[:-2], wide[1:-1] << 8, wide[2:]
    counts = np.empty((_CELLS, 2), dtype=np.float32)
    cells = _scratch.take(8 * len(first)).reshape(8, -1)
    for order, joined, shifts in (
        (0, first << 16 | middle | last, _HIGH_FIRST),
        (1, last << 16 | middle | first, _LOW_FIRST),
    ):
        np.right_shift(joined, shifts, out=cells)
        np.bitwise_and(cells, _CELLS - 1, out=cells)
        counts[:, order] = np.bincount(cells.reshape(-1), minlength=_CELLS)
    return counts


def _serial(counts: Vector) -> Vector:
    """First differences of psi-square for windows of 1 to 10 bits (SP 800-22 section 2.11) as z-scores, both orders.

    Shorter windows are counted by leaving out the first bit, so that the halves to add are contiguous.
    """
    total = float(counts[:, 0].sum())
    levels = np.empty((2 * _CELLS, 2), dtype=np.float32)
    levels[:1] = 0
    levels[_CELLS:] = counts
    flat = levels.reshape(-1)
    for length in range(WINDOW - 1, -1, -1):
        cells = 2 << length
        np.add(flat[2 * cells : 3 * cells], flat[3 * cells : 4 * cells], out=flat[cells : 2 * cells])
    flat *= flat
    squares = np.add.reduceat(levels, _LEVELS, axis=0) * (_LEVELS / total)[:, None]
    freedom = _LEVELS[:-1, None]
    return ((squares[1:] - squares[:-1] - freedom) / np.sqrt(2 * freedom)).ravel().astype(np.float32)


def _bytewise(data: Bytes, counts: npt.NDArray[np.float32]) -> list[float]:
    size = float(len(data))
    seen = counts[counts > 0]
    entropy = float(np.log2(size) - seen @ np.log2(seen) / size)
    chi2 = float(counts @ counts) * 256 / size - size
    printable = float(counts[32:127].sum() + counts[9:11].sum() + counts[13])
    absent = 256 * exp(-size / 256)
    return [
        entropy,
        (chi2 - 255) / 22.583,
        (256 - len(seen) - absent) / (absent + 1) ** 0.5,
        (float(counts.max()) - size / 256) / (size / 256) ** 0.5,
        (float(counts.min()) - size / 256) / (size / 256) ** 0.5,
        (float(counts[0]) - size / 256) / (size / 256) ** 0.5,
        (float(counts[255]) - size / 256) / (size / 256) ** 0.5,
        (float(counts[128:].sum()) / size - 0.5) * 2 * size**0.5,
        printable / size,
    ]


def _neighbours(data: Bytes) -> list[float]:
    size = float(len(data))
    expected = size / 256
    out = [(float(np.count_nonzero(data[lag:] == data[:-lag])) - expected) / (expected + 0.1) ** 0.5 for lag in _LAGS]
    for lag in (1, 2):
        step = np.abs((data[lag:] - data[:-lag]).view(np.int8)).view(np.uint8)
        out.append((float(np.add.reduce(step, dtype=np.int64)) / size - 64) / 37 * size**0.5)
    wide = data.astype(np.int32)
    triples = wide[:-2] << 16 | wide[1:-1] << 8 | wide[2:]
    triples.sort()
    out.append(float(np.count_nonzero(triples[1:] == triples[:-1])))
    triples >>= 8
    again = float(np.count_nonzero(triples[1:] == triples[:-1]))
    chance = size - 65536 * (1 - exp(-size / 65536))
    out.append((again - chance) / (chance + 0.1) ** 0.5)
    return out


def _sums(data: Bytes) -> list[float]:
    """Excursion of the bits' sum (SP 800-22 section 2.13, at byte steps) and frequency within blocks (2.2)."""
    walk = _POPULATION[data].cumsum()
    size = len(data)
    scale = (2.0 * size) ** 0.5
    out = [float(walk[-1]) / scale, float(walk.max()) / scale, float(walk.min()) / scale]
    for block in _BLOCKS:
        marks = walk[::block]
        steps = marks[1:] - marks[:-1]
        out.append((float(steps @ steps) / (2 * block) - len(steps)) / (2.0 * len(steps)) ** 0.5)
    return out


def squash(values: Vector) -> Vector:
    """Linear near 0, logarithmic in the tails."""
    return np.asarray(np.arcsinh(values), dtype=np.float32)


def features(payload: bytes) -> Vector:
    """All features of one payload of at least 32 bytes, shape (COUNT,), squashed."""
    data = np.frombuffer(payload, dtype=np.uint8)
    size = float(len(data))
    syntax = [(payload.count(text) - size * rate) / (size * rate + 0.1) ** 0.5 for text, rate in _SYNTAX]
    exact = (
        _bytewise(data, np.bincount(data, minlength=256).astype(np.float32)) + _neighbours(data) + _sums(data) + syntax
    )
    return squash(np.concatenate((_serial(windows(data)), np.array(exact, dtype=np.float32))))
