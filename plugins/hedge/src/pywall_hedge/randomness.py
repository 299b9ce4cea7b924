"""The randomness tests of HEDGE: chi-square of the bytes, and five tests of NIST SP 800-22 Rev. 1a on the bits.

`chi_square` and `chi_square_percent` take a payload; the others a vector of bits (0 or 1, one a cell, most
significant bit of a byte first), as `bits` makes it, and return a p-value in 0..1: the probability that random bits
look at least as odd. A vector of no bits raises ValueError. The decision that needs no p-values is in
`pywall_hedge.hedge`.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Bits: TypeAlias = npt.NDArray[np.uint8]


def bits(payload: bytes) -> Bits:
    """Unpack a payload into bits, shape (8 * len(payload),)."""
    return np.unpackbits(np.frombuffer(payload, dtype=np.uint8))


def _upper_gamma(shape: float, value: float) -> float:
    from scipy.special import gammaincc  # takes longer to import than numpy: only who asks for p-values pays

    return float(gammaincc(shape, value))


def _size(sequence: Bits) -> int:
    if not len(sequence):
        raise ValueError("no bits to test")
    return len(sequence)


def chi_square(payload: bytes) -> float:
    """Pearson's chi-square of the byte counts against equal ones, 255 degrees of freedom: "absolute" in HEDGE.

    At least 0; for random bytes 255 on average, with deviation sqrt(510) = 22.6.
    """
    if not payload:
        raise ValueError("no bytes to test")
    counts = np.bincount(np.frombuffer(payload, dtype=np.uint8), minlength=256).astype(np.float64)
    return float(counts @ counts) * 256 / len(payload) - len(payload)


def chi_square_percent(payload: bytes) -> float:
    """Return how often random bytes exceed this payload's chi-square, in per cent: "per cent of confidence" in
    HEDGE.
    """
    return 100 * _upper_gamma(127.5, chi_square(payload) / 2)


def monobit(sequence: Bits) -> float:
    """Frequency test, SP 800-22 section 2.1: as many ones as zeros?"""
    size = _size(sequence)
    total = 2 * int(np.count_nonzero(sequence)) - size
    return math.erfc(abs(total) / math.sqrt(2 * size))


def block_length(size: int) -> int:
    """Bits in a block for `size` bits, as the authors of HEDGE set it: 20, or `size` // 99 where there would be over
    99 blocks."""
    return 20 if size // 20 <= 99 else size // 99


def block_frequency(sequence: Bits, block: int | None = None) -> float:
    """Frequency test within a block, SP 800-22 section 2.2. `block`: bits in a block, by default `block_length`.

    Raises ValueError when there is not one whole block.
    """
    size = _size(sequence)
    block = block or block_length(size)
    number = size // block
    if not number:
        raise ValueError(f"{size} bits are less than a block of {block}")
    shares = sequence[: number * block].reshape(number, block).mean(axis=1) - 0.5
    return _upper_gamma(number / 2, 2 * block * float(shares @ shares))


def runs(sequence: Bits) -> float:
    """Runs test, SP 800-22 section 2.3; 0.0 where its prerequisite, a balanced number of ones, does not hold."""
    size = _size(sequence)
    ones = int(np.count_nonzero(sequence)) / size
    if abs(ones - 0.5) >= 2 / math.sqrt(size):
        return 0.0
    number = 1 + int(np.count_nonzero(sequence[1:] != sequence[:-1]))
    product = ones * (1 - ones)
    return math.erfc(abs(number - 2 * size * product) / (2 * math.sqrt(2 * size) * product))


def approximate_entropy(sequence: Bits, length: int = 3) -> float:
    """Approximate entropy test, SP 800-22 section 2.12. `length`: bits m of the shorter pattern, from 1."""
    size = _size(sequence)
    around = np.concatenate((sequence, sequence[:length])).astype(np.int64)
    cells = np.zeros(size, dtype=np.int64)
    for place in range(length + 1):
        cells = cells << 1 | around[place : place + size]
    longer = np.bincount(cells, minlength=2 << length) / size
    phi = [
        float(share @ np.log(share))
        for share in (part[part > 0] for part in (longer.reshape(-1, 2).sum(axis=1), longer))
    ]
    return _upper_gamma(2.0 ** (length - 1), size * (math.log(2) - (phi[0] - phi[1])))


def excursion_p(excursion: int, size: int) -> float:
    """p-value of the largest excursion of a random walk of `size` steps, SP 800-22 section 2.13.4 step 4."""
    if excursion <= 0:
        return 1.0
    root, ratio = math.sqrt(2 * size), size / excursion

    def between(low: int, high: int) -> float:
        return 0.5 * (math.erf(high * excursion / root) - math.erf(low * excursion / root))

    first = sum(between(4 * k - 1, 4 * k + 1) for k in range(_toward_zero(-ratio + 1), _toward_zero(ratio - 1) + 1))
    second = sum(between(4 * k + 1, 4 * k + 3) for k in range(_toward_zero(-ratio - 3), _toward_zero(ratio - 1) + 1))
    return min(max(1 - first + second, 0.0), 1.0)


def _toward_zero(quarters: float) -> int:
    return int(quarters / 4)


def cumulative_sums(sequence: Bits, *, reverse: bool = False) -> float:
    """Cumulative sums test, SP 800-22 section 2.13; `reverse` starts at the last bit (mode 1)."""
    size = _size(sequence)
    walk = np.cumsum((sequence[::-1] if reverse else sequence).astype(np.int64) * 2 - 1)
    return excursion_p(int(np.abs(walk).max()), size)
