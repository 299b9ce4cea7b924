"""First-level encoded names of NetBIOS (RFC 1001 section 14.1): 32 letters A to P for 16 bytes."""

from __future__ import annotations

from typing import Final

LETTERS: Final = b"ABCDEFGHIJKLMNOP"
_NAME: Final = 32
#: bytes of a name that may be damaged, or else its second half
_DAMAGE: Final = 8


def encoded_name(data: bytes, at: int) -> bytes:
    """Return the 32 bytes of a first-level encoded name whose length is at ``at``; nothing where there is none.

    Some may be damaged: 24 letters of 32, or 16 in a row, are no accident.
    """
    name = data[at + 1 : at + 1 + _NAME]
    if len(name) < _NAME or data[at] != _NAME:
        return b""
    damaged = len(name.translate(None, LETTERS)) > _DAMAGE and name[:16].translate(None, LETTERS)
    return b"" if damaged else name
