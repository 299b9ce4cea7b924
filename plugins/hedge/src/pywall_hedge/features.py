"""Statistics of a payload that tell compressed from encrypted bytes: the model's input.

Everything is computed from one vector of bytes: the spectrum of bit windows over all bit offsets, in both bit orders
(Huffman coders that fill bytes from the low end, as Deflate's, look random in the other order), counts of bytes, sums
over blocks, repeats, and counts of syntax that only some formats have. Where a quantity has a known mean and deviation
for random bytes it is given as a z-score, so that lengths compare; `features` tames the tails, and adds the length.

A call of numpy costs about a microsecond whatever it does, so what can be asked of a table is, and sums over many
classes of cells are one product with a matrix.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import exp, log2
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from .entropy import random_entropy

Vector: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Counts: TypeAlias = npt.NDArray[np.intp]

SHORTEST: Final = 32
"""Bytes below which the statistics mean nothing."""
LONGEST: Final = 16384
"""Bytes of a payload at most."""

_AT_A_TIME: Final = 1500
"""Words counted in one go: larger arrays are fresh pages each time, which cost more than the counting."""
_POPULATION: Final = np.array([bin(value).count("1") - 4 for value in range(256)], dtype=np.int32)
_BLOCKS: Final = (2, 4, 8, 16)
_LAGS: Final = (1, 2, 4)

SYNTAX: Final = (b"\xff\x00", b"\xff\xfb", b"\xff\xf1", b"\xff\xf9", b"\xff\xff", b"\x00\x00", b"\x00\x00\x01", b"OggS")
"""Byte strings that are counted: stuffing and sync words of JPEG, MP3, ADTS and FLAC, start codes, page and chunk
names."""


def byte_counts(payload: bytes) -> Counts:
    """Return how often each byte value occurs, shape (256,)."""
    return np.bincount(np.frombuffer(payload, dtype=np.uint8), minlength=256)


def _hadamard(order: int) -> Vector:
    """Sylvester's matrix of 2**order rows: +1 where row and column share an even number of one bits, else -1."""
    matrix = np.ones((1, 1), dtype=np.float32)
    for _ in range(order):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]]).astype(np.float32)
    return matrix


class Spectrum:
    """Correlations of the bits within windows of `width` (8 to 16) bits.

    A mask picks some bits of a window; their parity is even as often as odd in random bits. The transform of Walsh and
    Hadamard gives the imbalance of all masks at once. Summing the squares of those that span k bits is what SP 800-22
    section 2.11 calls the second difference of psi-square: chi-square, with as many degrees of freedom as masks.
    """

    def __init__(self, width: int) -> None:
        low = width // 2
        self._shape = (2, 1 << width - low, 1 << low)
        self._rows: Vector = _hadamard(width - low)
        self._columns: Vector = np.ascontiguousarray(_hadamard(low)[:, 1::2])  # others repeat these, shifted by a bit
        masks = (np.arange(1 << width - low)[:, None] << low | np.arange(1, 1 << low, 2)).ravel()
        spans = np.array([int(mask).bit_length() for mask in masks])
        self._spans: Vector = (spans[:, None] == np.arange(1, width + 1)).astype(np.float32)
        self._freedom: Vector = self._spans.sum(axis=0)
        self._deviation: Vector = (2 * self._freedom) ** np.float32(0.5)
        self._cells, self._mask = 1 << width, np.uint32((1 << width) - 1)
        self._shifts = np.stack((np.arange(32 - width, 24 - width, -1), np.arange(8))).astype(np.uint32)[:, :, None]

    def counts(self, payload: bytes) -> Vector:
        """Count the windows at every bit offset, most significant bit first (row 0) and least first (row 1).

        `payload`: at least 3 bytes. Shape (2, 2**width), sum 8 * (len - 2) a row.
        """
        padded, number = payload + b"\0", len(payload) - 2
        total = self._count(padded, 0, min(number, _AT_A_TIME))
        for start in range(_AT_A_TIME, number, _AT_A_TIME):
            total += self._count(padded, start, min(number - start, _AT_A_TIME))
        return total.reshape(2, -1).astype(np.float32)

    def _count(self, padded: bytes, start: int, number: int) -> Counts:
        words = np.empty((2, 1, number), dtype=np.uint32)  # one at each byte offset
        words[0] = np.ndarray((number,), ">u4", padded, start, (1,))
        words[1] = np.ndarray((number,), "<u4", padded, start, (1,))
        cells = words >> self._shifts
        cells &= self._mask
        cells[1] += self._cells
        return np.bincount(cells.reshape(-1), minlength=2 * self._cells)

    def scores(self, payload: bytes) -> Vector:
        """z-scores of the imbalance of masks that span 1 to `width` bits, in both bit orders; shape (2 * width,)."""
        transform = self._rows @ self.counts(payload).reshape(self._shape) @ self._columns
        transform *= transform
        squares = np.asarray(transform.reshape(2, -1) @ self._spans, dtype=np.float32)
        squares *= np.float32(1 / (8 * (len(payload) - 2)))
        squares -= self._freedom
        squares /= self._deviation
        return squares.reshape(-1)


spectrum: Final = cache(Spectrum)


@cache
def _logarithms() -> npt.NDArray[np.float64]:
    """n log2 n for n from 0 to LONGEST."""
    numbers = np.arange(LONGEST + 1, dtype=np.float64)
    return numbers * np.log2(np.maximum(numbers, 1))


_CLASSES: Final = np.zeros((256, 4), dtype=np.float32)
_CLASSES[[*range(32, 127), 9, 10, 13], 0] = 1
_CLASSES[128:, 1] = 1
_CLASSES[0, 2] = _CLASSES[255, 3] = 1
"""Sets of byte values that are counted: printable, high, zero, 255."""


def _bytewise(size: int, counts: Counts) -> list[float]:
    entropy = log2(size) - float(np.add.reduce(_logarithms().take(counts))) / size
    chi2 = int(counts @ counts) * 256 / size - size
    printable, high, zeros, ones = (counts.astype(np.float32) @ _CLASSES).tolist()
    absent = 256 * exp(-size / 256)
    mean, deviation = size / 256, (size / 256) ** 0.5
    return [
        (entropy - random_entropy(size)) * size**0.5,
        (chi2 - 255) / 22.583,
        (256 - int(np.count_nonzero(counts)) - absent) / (absent + 1) ** 0.5,
        (int(np.maximum.reduce(counts)) - mean) / deviation,
        ((int(np.minimum.reduce(counts)) if size >= 256 else 0) - mean) / deviation,
        (zeros - mean) / deviation,
        (ones - mean) / deviation,
        (high / size - 0.5) * 2 * size**0.5,
        printable / size,
    ]


def _neighbours(payload: bytes, data: Bytes) -> list[float]:
    size = len(data)
    expected = size / 256
    deviation = (expected + 0.1) ** 0.5
    out = [(int(np.count_nonzero(data[lag:] == data[:-lag])) - expected) / deviation for lag in _LAGS]
    signed = data.view(np.int8)
    for lag in (1, 2):
        step = np.abs(signed[lag:] - signed[:-lag]).view(np.uint8)
        out.append((int(np.add.reduce(step, dtype=np.uint32)) / size - 64) / 37 * size**0.5)
    triples = np.ndarray((size - 3,), ">u4", payload, 0, (1,)).astype(np.uint32)
    triples >>= np.uint32(8)
    triples.sort()
    out.append(float(np.count_nonzero(triples[1:] == triples[:-1])))
    triples >>= np.uint32(8)
    again = int(np.count_nonzero(triples[1:] == triples[:-1]))
    chance = size - 65536 * (1 - exp(-size / 65536))
    out.append((again - chance) / (chance + 0.1) ** 0.5)
    return out


def _sums(data: Bytes) -> list[float]:
    """Excursion of the bits' sum (SP 800-22 section 2.13, at byte steps) and frequency within blocks (2.2)."""
    walk = np.add.accumulate(_POPULATION.take(data), dtype=np.int32)
    size = len(data)
    scale = (2.0 * size) ** 0.5
    ends = walk[-1], np.maximum.reduce(walk), np.minimum.reduce(walk)
    out = [int(end) / scale for end in ends]
    for block in _BLOCKS:
        marks = walk[::block]
        steps = marks[1:] - marks[:-1]
        number = len(steps)
        out.append((int(steps @ steps) / (2 * block) - number) / (2.0 * number) ** 0.5)
    return out


@lru_cache(maxsize=4096)
def _expected(size: int) -> list[tuple[bytes, float, float]]:
    """SYNTAX with how often each is found in `size` random bytes, and the deviation."""
    rates = ((text, size * 256.0 ** -len(text)) for text in SYNTAX)
    return [(text, mean, (mean + 0.1) ** 0.5) for text, mean in rates]


def features(payload: bytes, width: int = 10) -> Vector:
    """Return all features of one payload of 32 to 16384 bytes with windows of `width` bits.

    Shape (2 * width + 32,); linear near 0, logarithmic in the tails.
    """
    data = np.frombuffer(payload, dtype=np.uint8)
    size = len(data)
    exact = _bytewise(size, np.bincount(data, minlength=256))
    exact += _neighbours(payload, data)
    exact += _sums(data)
    exact += [(payload.count(text) - mean) / deviation for text, mean, deviation in _expected(size)]
    exact.append(log2(size))
    values = np.empty(2 * width + len(exact), dtype=np.float32)
    values[: 2 * width] = spectrum(width).scores(payload)
    values[2 * width :] = exact
    return np.asarray(np.arcsinh(values, out=values), dtype=np.float32)
