"""Numbers in the heads of files."""

from __future__ import annotations


def little(data: bytes, start: int, size: int) -> int:
    """Return the number in ``size`` bytes from ``start`` on, the lowest byte first; what is cut off counts as zero."""
    return int.from_bytes(data[start : start + size], "little")
