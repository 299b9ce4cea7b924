"""Fragments of a corpus, as packets would carry them.

A corpus is a folder CORPUS/{plain,compressed,encrypted}/<format>/<files>, each file one whole product of its format.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

CLASSES = ("plain", "compressed", "encrypted")
HEADS = 1 / 8
"""Share of fragments that are the beginning of a product."""


@cache
def products(corpus: Path, label: str, form: str) -> list[bytes]:
    """Return all products of one format, in the order of their names."""
    return [path.read_bytes() for path in sorted((corpus / label / form).iterdir()) if path.is_file()]


def formats(corpus: Path, label: str) -> list[str]:
    """Return the names of the formats of a class, sorted; none when the corpus lacks the class."""
    folder = corpus / label
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def draw(
    corpus: Path, label: str, form: str, size: int, count: int, seed: int, heads: float = HEADS
) -> Iterator[bytes]:
    """Yield `count` fragments of `size` bytes, the share `heads` of them beginnings; a product's length does not
    matter.

    Products shorter than the fragment are left out; raises ValueError when none is long enough.
    """
    pool = [data for data in products(corpus, label, form) if len(data) > size]
    if not pool:
        raise ValueError(f"no product of {label}/{form} in {corpus} has {size} bytes")
    rng = np.random.default_rng([seed, size, *form.encode()])
    for _ in range(count):
        data = pool[rng.integers(len(pool))]
        start = 0 if rng.random() < heads else int(rng.integers(1, len(data) - size + 1))
        yield data[start : start + size]
