"""A cheap look at one payload: text, plain bytes that nothing random resembles, or noise for the statistics."""

from __future__ import annotations

import re
from typing import Final, Literal

from .framing import without_padding

_PRINTABLE: Final = bytes([*range(32, 127), 9, 10, 13])
_CONTROL: Final = bytes(range(128))
_TEXT: Final = re.compile(rb"[\t\r\n -~]{12,}")
_UTF16: Final = 64
"""Bytes from which UTF-16 is told."""
_UPPER: Final = bytes([*range(0x4E, 0xA0), *range(0xAC, 0xD8)])
_AROUND: Final = bytes((0x00, 0x20, 0x30, 0xFF))
_COUNTED: Final = 512
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
    """A segment may begin and end within a character."""
    start = next((at for at in range(3) if payload[at] & 0xC0 != 0x80), 3)
    payload = payload[start:]
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(payload) - 3 > 0
    return True


def read(payload: bytes) -> tuple[Kind, bytes]:
    """Return what the payload is at a glance, and the payload: of UTF-16 the same characters in UTF-8, as text."""
    kind = look(payload)
    wide = _utf16(payload) if kind != "text" else None
    return (kind, payload) if wide is None else ("text", wide.encode())


def _utf16(payload: bytes) -> str | None:
    """Return the characters of UTF-16 in either order without a mark, or None: nine of ten of the upper bytes are those
    of ideographs, syllables of Hangul and what stands between them, seven of the first two.

    Of random bytes one payload in a million is taken for it.
    """
    size = len(payload)
    if size < _UTF16 or size & 1:
        return None
    for order, upper in (("utf-16-le", payload[1::2]), ("utf-16-be", payload[::2])):
        letters = size // 2 - len(upper.translate(None, _UPPER))
        around = size // 2 - len(upper.translate(None, _AROUND))
        if 20 * letters >= 7 * size and 20 * (letters + around) >= 9 * size:
            return payload.decode(order, "ignore")
    return None


def text_in_front(payload: bytes) -> int:
    """Return how many bytes of text stand before the rest: 0, or 12 and more (a greeting, a request line, a header)."""
    found = _TEXT.match(payload)
    return found.end() if found else 0
