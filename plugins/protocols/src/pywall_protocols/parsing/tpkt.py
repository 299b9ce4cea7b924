"""TPKT and the ISO transport protocol over TCP, under S7, MMS, H.323 and RDP (RFC 1006; ISO 8073)."""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer

from .wire import u16

_HEADER: Final = 4
_MAX_PACKETS: Final = 4
#: connection request and confirm, data
_CR: Final = 0xE0
_CC: Final = 0xD0
_DT: Final = 0xF0


def packet(data: bytes, at: int = 0) -> tuple[int, int] | Answer:
    """Start and end of the contents of the TPKT packet at ``at``; the end may lie beyond ``data``."""
    head = data[at : at + _HEADER]
    if head[:2] != b"\3\0"[: len(head)]:
        return NO
    if len(head) < _HEADER:
        return MORE
    length = u16(head, 2)
    return (at + _HEADER, at + length) if length > 6 else NO


def user_data(data: bytes) -> tuple[int, int] | Answer:
    """Start and end of the first user data of a class 0 transport connection, behind its opening."""
    at = 0
    for _ in range(_MAX_PACKETS):
        found = packet(data, at)
        if isinstance(found, Answer):
            return found
        start, end = found
        if len(data) < start + 3:
            return MORE
        kind = data[start + 1]
        if kind == _DT:
            if data[start] != 2 or data[start + 2] & 0x7F:
                return NO
            if end > start + 3:
                return start + 3, end
        elif kind & 0xF0 not in (_CR, _CC) or data[start] != end - start - 1:
            return NO
        at = end
    return NO
