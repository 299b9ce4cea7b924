"""Heads of JPEG XL (ISO/IEC 18181-1 annex A, 18181-2). Same contract as `pywall_hedge.archives`.

Its coder's output is as good as random: what can be asked is that no more follows than such a picture can take.
"""

from __future__ import annotations

from collections.abc import Callable

_SHAPES = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by the number in the head; the first stands for a width of its own."""
_WIDTHS = (9, 13, 18, 30)
_PIXEL, _MOST = 8, 1 << 28
"""Bytes of a pixel at most, and pixels of a picture that is believed."""
_SLACK = 4096


class _Bits:
    """Bits of the head, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._left & (1 << count) - 1
        self._left >>= count
        return value


def codestream(data: bytes) -> bool:
    """The size of the picture, and no more behind it than it can take."""
    bits = _Bits(data[2:14])
    small = bits.take(1)
    high = (bits.take(5) + 1) * 8 if small else bits.take(_WIDTHS[bits.take(2)]) + 1
    shape = bits.take(3)
    wide = high * _SHAPES[shape][0] // _SHAPES[shape][1]
    if not shape:
        wide = (bits.take(5) + 1) * 8 if small else bits.take(_WIDTHS[bits.take(2)]) + 1
    if not min(wide, high) >= 8 or max(wide, high) > 64 * min(wide, high) or wide * high > _MOST:
        return False
    return len(data) <= wide * high * _PIXEL + _SLACK


def container(data: bytes) -> bool:
    """Boxes one after the other, the codestream in them."""
    place = 12
    while place + 14 <= len(data):
        size, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if kind in (b"jxlc", b"jxlp"):
            start = place + (12 if kind == b"jxlp" else 8) + (8 if size == 1 else 0)
            return data[start : start + 2] == b"\xff\x0a" and codestream(data[start:])
        if kind not in (b"ftyp", b"jxll", b"Exif", b"xml ", b"jumb", b"brob", b"jbrd", b"jxli") or size < 8:
            return False
        place += size
    return len(data) >= 20


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"\xff\x0a": ("jpeg-xl", codestream),
    b"\0\0\0\x0cJXL \r\n\x87\n": ("jpeg-xl", container),
}
"""Magic number -> name and parser."""
