"""Shannon entropy of bytes, and what to expect of random ones."""

from __future__ import annotations

from functools import lru_cache
from math import exp, log, log2
from typing import Final

from .later import np

FEW: Final = 64
"""Bytes below which counting them one value after the other costs less than an array of them."""


def entropy_of(counts: list[int]) -> float:
    """Return the Shannon entropy in bits of a distribution given by its counts; 0 for no counts."""
    total = sum(counts)
    return log2(total) - sum(count * log2(count) for count in counts if count) / total if total else 0.0


def entropy(payload: bytes) -> float:
    """Return the Shannon entropy of the byte frequencies in bits a byte, 0 to 8; 0 for no bytes."""
    if not payload:
        return 0.0
    if len(payload) < FEW:
        return entropy_of([payload.count(value) for value in set(payload)])
    counts = np.bincount(np.frombuffer(payload, np.uint8), minlength=256).tolist()
    return entropy_of([counts[value] for value in set(payload)])


@lru_cache(maxsize=4096)
def random_entropy(size: int) -> float:
    """Return the entropy to expect of `size` random bytes, at least 1, in bits a byte; counts taken as Poisson."""
    if size >= 2048:
        return 8 - 255 / (2 * size * log(2))
    mean = size / 256
    share, total = exp(-mean), 0.0
    for count in range(1, 60):
        share *= mean / count
        total += share * count * log2(count)
    return log2(size) - total / mean
