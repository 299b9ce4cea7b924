"""Bytes that are spread out: constants at fixed places between them, taken out."""

from __future__ import annotations

from typing import Final

LEAST: Final = 48
"""Bytes of a payload from which constants between its bytes are taken out."""
_SHORT: Final = (4, 3, 2)
_LONG: Final = (8, 7, 6, 5, *range(9, 18))
"""Bytes from one constant to the next."""
_ROWS: Final = 24
_EVEN: Final = 18
"""Places of a column that are looked at, and different values in them at least where it is as even as ciphertext: the
upper bytes of measured numbers have fewer."""
_GLANCE: Final = 96
_DIFFERENT: Final = 77
_ALIKE: Final = 52
"""Bytes that show whether a value comes often: different ones at most (three in four random payloads have more), and
pairs of equal ones at least, counted both ways (one in twenty has as many)."""


def without_constants(payload: bytes) -> bytes | None:
    """Return the other bytes of a payload in which one to three of each two to four bytes are always the same (zeros
    between bytes, numbers of 32 bits that are small), or some of each five to seventeen between even ones, wherever a
    line's end shifts them; else None.
    """
    if (size := len(payload)) < LEAST:
        return None
    if 0.4 * size <= payload.count(0) <= 0.56 * size and bytes(5) not in payload:
        return payload.replace(b"\0", b"")
    for period in (*_SHORT, *_likely(payload[:_GLANCE])):
        if period * _ROWS > size:
            continue
        same = [start for start in range(period) if _is_constant(payload, start, period)]
        if not 0 < len(same) < period or (period > 4 and _is_uneven(payload, same, period)):
            continue
        columns = [payload[start::period] for start in same]
        if all(len(column) - column.count(column[:1]) <= len(column) // 32 for column in columns):
            parts = [payload[start::period] for start in range(period) if start not in same]
            out = bytearray(sum(map(len, parts)))
            for at, part in enumerate(parts):
                out[at :: len(parts)] = part
            return bytes(out)
    return None


def _is_constant(payload: bytes, start: int, period: int) -> bool:
    """Return whether the first _ROWS bytes of a column are one value; of most the first two are not."""
    value = payload[start]
    if value != payload[start + period]:
        return False
    return payload[start : start + _ROWS * period : period].count(value) == _ROWS


def _is_uneven(payload: bytes, same: list[int], period: int) -> bool:
    """Return whether a column that is not constant has fewer values than ciphertext would."""
    columns = (payload[start : start + _ROWS * period : period] for start in range(period) if start not in same)
    return any(len({*column}) < _EVEN for column in columns)


def _likely(glance: bytes) -> list[int]:
    """Return the long periods at which the commonest value comes, wherever it comes often."""
    values = {*glance}
    if len(values) > _DIFFERENT:
        return []
    often = [glance.count(value) for value in values]
    if sum([number * number for number in often]) < len(glance) + _ALIKE:
        return []
    most = max(often)
    usual = next(value for value in glance if glance.count(value) == most)
    return [period for period in _LONG if most >= len(glance) // period and _comes_each(glance, usual, period)]


def _comes_each(glance: bytes, usual: int, period: int) -> bool:
    """Return whether a value is at each place of some column of so many bytes."""
    start = glance.find(usual, 0, period)
    while start >= 0:
        if glance[start + period] == usual:  # of most the first two are not, and the glance is longer than two periods
            column = glance[start::period]
            if column.count(usual) == len(column):
                return True
        start = glance.find(usual, start + 1, period)
    return False
