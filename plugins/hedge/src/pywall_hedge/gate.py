"""A cheap look at one payload: text, plain bytes that nothing random resembles, or noise for the statistics."""

from __future__ import annotations

import re
from typing import Literal

from .framing import without_padding

_PRINTABLE = bytes([*range(32, 127), 9, 10, 13])
_CONTROL = bytes(range(128))
_TEXT = re.compile(rb"[\t\r\n -~]{12,}")
_COUNTED = 512
"""Bytes whose different values are counted."""

Kind = Literal["text", "plain", "noise"]


def expected_values(size: int) -> float:
    """Return how many different values `size` random bytes have on average."""
    return 256 * (1 - (255 / 256) ** size)


def look(payload: bytes) -> Kind:
    """Return what the payload is at a glance.

    "text": nine bytes of ten are printable ASCII (UTF-8's other letters count too). "plain": 64 bytes or more of far
    fewer different values than random bytes have (all below 128, too), or zeros in a third of them, runs of padding
    aside. Else "noise".
    """
    size = len(payload)
    if size == 0:
        return "plain"
    rest = payload.translate(None, _PRINTABLE)
    if len(rest) * 10 <= size:
        return "text"
    if size >= 24 and len(rest.translate(None, _CONTROL)) * 10 >= 8 * len(rest) and _is_utf8(payload):
        return "text"
    if size >= 16 and (payload.isascii() or (size < 64 and payload.count(b"\0") * 3 > size)):
        return "plain"
    if size < 64:
        return "noise"
    sample = payload[:_COUNTED]
    if len(set(sample)) < 0.6 * expected_values(len(sample)) or payload.count(b"\0") * 3 > size:
        left = without_padding(payload)
        return look(left) if 32 <= len(left) < size - 11 else "plain"
    return "noise"


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(payload) - 3 > 0
    return True


def text_in_front(payload: bytes) -> int:
    """Return how many bytes of text stand before the rest: 0, or 12 and more (a greeting, a request line, a header)."""
    found = _TEXT.match(payload)
    return found.end() if found else 0
