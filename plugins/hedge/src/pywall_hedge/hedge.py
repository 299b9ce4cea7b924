"""HEDGE (Casino, Choo, Patsakis, IEEE TIFS 14(11), 2019): encrypted unless a randomness test fails. No training.

The paper's threshold formula is not public; this is the reconstruction that meets its table within 2.5 points:
chi-square of the bytes at most 255 + gamma * sqrt(510), and monobit, frequency within blocks, cumulative sums both
ways, runs and approximate entropy (m = 3) each with p >= alpha. Only the decision counts here, so statistics are
compared with thresholds that are computed once a payload length, and come from tables over bytes instead of vectors
of bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from .randomness import block_length, excursion_p

SHORTEST = 13
"""Bytes: SP 800-22 asks for 100 bits at least."""

_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.int32)
_ONES = np.concatenate((np.zeros((256, 1), np.int32), _BITS.cumsum(axis=1)), axis=1)
"""Ones among the first 0 to 8 bits of a byte."""
_STEP = (2 * _ONES[:, 8] - 8).astype(np.int32)
_HIGHEST = (2 * _BITS - 1).cumsum(axis=1).max(axis=1).astype(np.int32)
_LOWEST = (2 * _BITS - 1).cumsum(axis=1).min(axis=1).astype(np.int32)


@cache
def _patterns() -> npt.NDArray[np.float64]:
    """Return how often each 4-bit pattern starts in the first byte of 11 bits in a row, shape (2048, 16)."""
    eleven = np.arange(2048)
    counts = np.zeros((2048, 16))
    for shift in range(8):
        counts[eleven, eleven >> shift & 15] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Limits:
    """What the statistics of a payload of one length may reach at most, for p >= alpha."""

    total: float
    """|ones - zeros|"""
    blocks: float
    excursion: int
    runs: float
    """erfc's argument"""
    entropy: float


@lru_cache(maxsize=4096)
def limits(size: int, alpha: float) -> Limits:
    """Thresholds for a payload of `size` bytes at significance `alpha` (0 < alpha < 1)."""
    from scipy.special import erfcinv, gammainccinv

    length = 8 * size
    number = length // block_length(length)
    low, high = 0, length
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if excursion_p(middle, length) >= alpha else (low, middle - 1)
    argument = float(erfcinv(alpha))
    return Limits(
        total=argument * math.sqrt(2 * length),
        blocks=2 * float(gammainccinv(number / 2, alpha)),
        excursion=low,
        runs=argument,
        entropy=2 * float(gammainccinv(4.0, alpha)),
    )


def failed(payload: bytes, gamma: float = 2.0, alpha: float = 0.01) -> str | None:
    """Name the first test that the payload fails, in the authors' order with chi-square first; None when it passes all.

    `payload`: at least 13 bytes, else ValueError. `gamma`: deviations that chi-square may exceed its mean by, 0.1 to
    2 in the paper. `alpha`: significance of the SP 800-22 tests, 0.01 in the authors' code.
    """
    size = len(payload)
    if size < SHORTEST:
        raise ValueError(f"{size} bytes are fewer than the {SHORTEST} that the tests need")
    data = np.frombuffer(payload, dtype=np.uint8)
    counts = np.bincount(data, minlength=256)
    if int(counts @ counts) * 256 / size - size > 255 + gamma * math.sqrt(510):
        return "chi_square"
    limit, length = limits(size, alpha), 8 * size
    total = int(counts @ _STEP)
    if abs(total) > limit.total:
        return "monobit"
    walk = np.add.accumulate(_STEP[data])
    if _blocks(data, walk, length) > limit.blocks:
        return "block_frequency"
    before = walk - _STEP[data]
    highest, lowest = int((before + _HIGHEST[data]).max()), int((before + _LOWEST[data]).min())
    if (
        max(highest, -lowest) > limit.excursion
        or max(total - min(lowest, 0), max(highest, 0) - total) > limit.excursion
    ):
        return "cumulative_sums"
    ones = (total + length) / 2 / length
    number = int.from_bytes(payload, "big")
    changes = ((number ^ number >> 1) & ((1 << length - 1) - 1)).bit_count()
    product = ones * (1 - ones)
    spread = abs(changes + 1 - 2 * length * product)
    if abs(ones - 0.5) >= 2 / math.sqrt(length) or spread > limit.runs * 2 * math.sqrt(2 * length) * product:
        return "runs"
    return "approximate_entropy" if _entropy(data, length) > limit.entropy else None


def _blocks(data: npt.NDArray[np.uint8], walk: npt.NDArray[np.int32], length: int) -> float:
    block = block_length(length)
    ends = np.arange(0, length // block * block + 1, block)
    byte, rest = ends >> 3, ends & 7
    inside = _ONES[data[np.minimum(byte, len(data) - 1)], rest]
    ones = np.where(byte > 0, (walk[byte - 1] + 8 * byte) / 2, 0) + np.where(rest > 0, inside, 0)
    shares = (ones[1:] - ones[:-1]) / block - 0.5
    return 4 * block * float(shares @ shares)


def _entropy(data: npt.NDArray[np.uint8], length: int) -> float:
    """2 n (ln 2 - ApEn(3)) of the bits, SP 800-22 section 2.12.4."""
    around = np.concatenate((data[1:], data[:1])) >> 5
    eleven = data.astype(np.int64) << 3 | around
    longer = np.bincount(eleven, minlength=2048) @ _patterns() / length
    shorter = longer[::2] + longer[1::2]
    tiny = np.float64(1e-300)
    phi3, phi4 = float(shorter @ np.log(shorter + tiny)), float(longer @ np.log(longer + tiny))
    return 2 * length * (math.log(2) - (phi3 - phi4))
