"""Copies: how much of what one side says only repeats the other side's opening.

Whoever wants to be taken for a protocol without speaking it sends its opening and has the other end send it back, with
a few bytes changed: a new number, a flag, one byte of a name. That proves nothing.
"""

from __future__ import annotations

from typing import Final

#: Fewer bytes than this that differ are few; so are they below one of each so many.
_FEW: Final = 8
_OF_EACH: Final = 16
#: What is short is a copy only while at most one of each so many bytes differs.
_OF_SHORT: Final = 4


def copied(one: bytes, other: bytes) -> int:
    """Return the length of the longest common beginning of which few bytes differ."""
    size = min(len(one), len(other))
    if one[:size] == other[:size]:
        return size
    length = differing = 0
    for at in range(size):
        if one[at] != other[at]:
            differing += 1
            if differing >= _FEW and differing * _OF_EACH > at:
                break
        if differing * _OF_SHORT <= at + 1:
            length = at + 1
    return length


def copied_datagrams(one: bytes, other: bytes, sizes: tuple[int, ...], other_sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of the first datagrams of ``one`` that ``other`` has copies of, in their order."""
    found: list[int] = []
    at = other_at = 0
    for size, other_size in zip(sizes, other_sizes, strict=False):
        both = min(size, other_size)
        if not both or copied(one[at : at + both], other[other_at : other_at + both]) < both:
            break
        found.append(size)
        at += size
        other_at += other_size
    return tuple(found)
