"""How much of a text consists of the characters of an alphabet, and in runs of what length, which is asked before any
search; and digits of an alphabet put together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_PRINTABLE: Final = bytes([*range(32, 127), 9, 10, 13])


def share(text: bytes, characters: bytes) -> float:
    """Return the share of the text, 0 to 1, that consists of these characters; 0 for no text."""
    return (len(text) - len(text.translate(None, characters))) / max(len(text), 1)


def is_text(data: bytes) -> bool:
    """Return True if nine of ten bytes are printable."""
    return len(data.translate(None, _PRINTABLE)) * 10 <= len(data)


def apart(characters: bytes) -> bytes:
    """Return the table by which `bytes.translate` puts a zero in the place of all but these characters."""
    return bytes(value if value in characters else 0 for value in range(256))


def in_runs(text: bytes, table: bytes, least: int) -> int:
    """Return how many bytes of the text are in runs of at least `least` characters of a table that `apart` made."""
    return sum([size for size in map(len, text.translate(table).split(b"\0")) if size >= least])


def digits_to_bytes(digits: Iterable[int], bits: int) -> bytes:
    """Return digits of `bits` bits put together; those that are larger are left out."""
    number = used = 0
    out = bytearray()
    for digit in digits:
        if digit >> bits:
            continue
        number, used = number << bits | digit, used + bits
        if used >= 1024:
            rest = used % 8
            out += (number >> rest).to_bytes(used // 8, "big")
            number &= (1 << rest) - 1
            used = rest
    return bytes(out) + (number >> used % 8).to_bytes(used // 8, "big")
