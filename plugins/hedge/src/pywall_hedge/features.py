"""Statistics of a payload that tell compressed from encrypted bytes: the model's input.

Everything is computed from one vector of bytes: counts of 12-bit windows over all bit offsets, in both bit orders (Huffman
coders that fill bytes from the low end, as Deflate's, look random in the other order), counts of bytes and of pairs of
nibbles, sums over blocks, repeats, and counts of syntax that only some formats have. Where a quantity has a known mean
and deviation for random bytes it is given as a z-score, so that lengths compare; `squash` tames the tails.
"""

from __future__ import annotations

from functools import cache
from math import exp
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
Matrix: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

SHORTEST = 32
"""Octets below which the statistics mean nothing."""

WINDOW = 12
_CELLS = 1 << WINDOW
_SHIFTS = np.array([[12, 11, 10, 9, 8, 7, 6, 5], [0, 1, 2, 3, 4, 5, 6, 7]], dtype=np.int32)[:, :, None]
_OFFSET = np.array([[[0]], [[_CELLS]]], dtype=np.int32)
_POPULATION = np.array([bin(value).count("1") - 4 for value in range(256)], dtype=np.float32)
_LEVELS = 2 ** np.arange(WINDOW + 1)
_BLOCKS = (2, 4, 8, 16)
_LAGS = (1, 2, 3, 4, 8)

SYNTAX = (
    b"\xff\x00", b"\xff\xfb", b"\xff\xf1", b"\xff\xf9", b"\xff\xf8", b"\xff\xff", b"\x00\x00", b"\x00\x00\x00",
    b"\x00\x00\x01", b"\x00\x00\x03", b"OggS", b"PK", b"IDAT", b"endstream", b"\xa3", b"\x12\x00", b"\n", b" ",
)  # fmt: skip
"""Byte strings that are counted: stuffing and sync words of JPEG, MP3, ADTS and FLAC, start codes, page and chunk names."""


@cache
def _shape_columns() -> Matrix:
    """Columns over the 12-bit windows: autocorrelation of the bits at lags 1 to 11, and runs of 1 to 9 equal bits."""
    windows = np.arange(_CELLS)
    bits = windows[:, None] >> np.arange(WINDOW - 1, -1, -1) & 1
    signs = 2 * bits - 1
    columns = [signs[:, 0] * signs[:, lag] for lag in range(1, WINDOW)]
    for length in range(1, 10):
        for value in (0, 1):
            inner = (bits[:, 1 : 1 + length] == value).all(axis=1)
            run = inner & (bits[:, 0] != value) & (bits[:, 1 + length] != value)
            columns.append((run - 2.0 ** -(length + 2)) / 2.0 ** -(length / 2 + 1))
    return np.stack(columns, axis=1).astype(np.float32)


def windows(data: Bytes) -> npt.NDArray[np.int64]:
    """Count the 12-bit windows at every bit offset, most significant bit first (row 0) and least first (row 1).

    `data`: at least 3 bytes. Shape (2, 4096), sum 8 * (len - 2) a row.
    """
    wide = data.astype(np.int32)
    first, middle, last = wide[:-2], wide[1:-1] << 8, wide[2:]
    joined = np.stack((first << 16 | middle | last, last << 16 | middle | first))
    cells = joined[:, None, :] >> _SHIFTS
    cells &= _CELLS - 1
    cells += _OFFSET
    return np.bincount(cells.ravel(), minlength=2 * _CELLS).reshape(2, _CELLS)


def _serial(counts: npt.NDArray[np.float32]) -> Vector:
    """First differences of psi-square for windows of 1 to 12 bits (SP 800-22 section 2.11) as z-scores, both orders.

    Shorter windows are counted by leaving out the first bit, so that the halves to add are contiguous.
    """
    total = float(counts[0].sum())
    levels = np.zeros((2, 2 * _CELLS), dtype=np.float32)
    levels[:, _CELLS:] = counts
    for length in range(WINDOW - 1, -1, -1):
        cells = 1 << length
        np.add(levels[:, 2 * cells : 3 * cells], levels[:, 3 * cells : 4 * cells], out=levels[:, cells : 2 * cells])
    levels *= levels
    squares = np.add.reduceat(levels, _LEVELS, axis=1) * (_LEVELS / total)
    freedom = _LEVELS[:-1]
    return ((squares[:, 1:] - squares[:, :-1] - freedom) / np.sqrt(2 * freedom)).ravel()


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
    for lag in (1, 2, 4):
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


def raw_counts(payload: bytes) -> tuple[Vector, Vector, Vector]:
    """Counts that the tables are applied to: windows (8192, both orders), bytes (256), pairs of nibbles (256).

    A pair of nibbles is the high half of a byte and the high half of the next one.
    """
    data = np.frombuffer(payload, dtype=np.uint8)
    nibbles = (data[:-1] & 0xF0) | (data[1:] >> 4)
    return (
        windows(data).ravel().astype(np.float32),
        np.bincount(data, minlength=256).astype(np.float32),
        np.bincount(nibbles, minlength=256).astype(np.float32),
    )


def features(payload: bytes, tables: Matrix) -> Vector:
    """All features of one payload of at least 32 bytes.

    `tables`: (8704, formats) float32, log-likelihood columns over `raw_counts` joined, each of mean 0 and deviation 1 for
    random bytes within each of its four parts (4096, 4096, 256, 256).
    """
    data = np.frombuffer(payload, dtype=np.uint8)
    over, single, paired = raw_counts(payload)
    size = len(data)
    grid = over.reshape(2, _CELLS)
    bits = 8.0 * (size - 2)
    shape = grid @ _shape_columns() / bits**0.5
    scores = (
        np.stack((grid[0] @ tables[:4096], grid[1] @ tables[4096:8192])) / bits**0.5,
        single @ tables[8192:8448] / size**0.5,
        paired @ tables[8448:] / size**0.5,
    )
    syntax = [(payload.count(text) - size / 256.0 ** len(text)) / (size / 256.0 ** len(text) + 0.1) ** 0.5 for text in SYNTAX]
    exact = np.array(_bytewise(data, single) + _neighbours(data) + _sums(data) + syntax, dtype=np.float32)
    return squash(
        np.concatenate((_serial(grid), shape.ravel(), scores[0].ravel(), scores[1], scores[2], exact))
    )
