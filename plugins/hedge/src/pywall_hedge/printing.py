"""Heads of fonts, scanned pages and measurements: Type 1, DjVu and MDF. Same contract as `pywall_hedge.archives`."""

from __future__ import annotations

import re
from collections.abc import Callable

from .archives import deflate_earned
from .integers import little
from .structure import holds_content

_EEXEC = re.compile(rb"eexec[\r\n \t]{1,2}")
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f\s]{8}")
_KEY, _FACTOR, _SUM = 55665, 52845, 22719
_RANDOM, _SHOWN = 4, 60
"""Bytes of any value in front of the private part, and bytes of text behind them that are asked for."""
_PRINTABLE = bytes((9, 10, 13, *range(32, 127)))
_PAGE = frozenset(
    b"INFO DIRM NAVM FORM Sjbz Djbz BG44 FG44 FGbz BGjp FGjp Smmr INCL ANTa ANTz TXTa TXTz CIDa TH44 WMRM".split()
)
"""Kinds of chunks (DjVu 3 specification, section 8.3)."""
_BLOCK = re.compile(rb"##[A-Z]{2}\0\0\0\0")


def type1(data: bytes) -> bool:
    """A program in text, then one that the fixed key of all fonts turns into text (Adobe Type 1 Font Format, 7.2);
    perhaps in segments (Technical Note 5040)."""
    if data[:2] == b"\x80\x01":
        if data[6:8] != b"%!" or little(data, 2, 4) > 1 << 16:
            return False
        data = data[6:]
    found = _EEXEC.search(data)
    if found is None:
        return not data.translate(None, _PRINTABLE)
    secret = data[found.end() :]
    if secret[:2] == b"\x80\x02":
        secret = secret[6:]
    if len(secret) < _SHOWN or not found.start():
        return True
    if _HEXADECIMAL.match(secret):
        digits = re.sub(rb"\s", b"", secret[: 3 * _SHOWN])
        secret = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
    return not _deciphered(secret[: _RANDOM + _SHOWN])[_RANDOM:].translate(None, _PRINTABLE)


def _deciphered(secret: bytes) -> bytes:
    key, out = _KEY, bytearray()
    for byte in secret:
        out.append(byte ^ key >> 8)
        key = (byte + key) * _FACTOR + _SUM & 0xFFFF
    return bytes(out)


def djvu(data: bytes) -> bool:
    """Chunks with a known kind and a length, a page's size first or a directory (DjVu 3 specification, section 8)."""
    kind, place, pages = data[12:16], 16, 0
    if kind not in (b"DJVU", b"DJVM", b"DJVI", b"THUM"):
        return False
    while place + 8 <= len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "big")
        if kind not in _PAGE or not 0 < size < 1 << 28 or (place == 16 and kind not in (b"INFO", b"DIRM", b"TH44")):
            return False
        if kind == b"INFO" and not (size in range(5, 11) and any(data[place + 8 : place + 12])):
            return False
        pages += 1
        place += 12 if kind == b"FORM" else 8 + size + size % 2
    return pages > 0


def mdf(data: bytes) -> bool:
    """Blocks with a name and a length (ASAM MDF 4.1, section 5.5), what is in them compressed with gain or no noise."""
    place = 64
    while place + 48 <= len(data):
        size, kind = little(data, place + 8, 8), data[place + 2 : place + 4]
        if not _BLOCK.match(data, place) or not 24 <= size < 1 << 32:
            return False
        if kind == b"DZ":
            if deflate_earned(data, place + 48, wrapped=True) is None:
                return False
        elif kind in (b"DT", b"DV", b"SD") and not holds_content(data[place + 24 : place + size]):
            return False
        place += size + -size % 8
    return data[11:16].strip(b"0123456789 \0") == b""


MAGIC: dict[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"%!PS-AdobeFont": ("type1", type1),
    b"%!FontType1": ("type1", type1),
    b"\x80\x01": ("type1", type1),
    b"AT&TFORM": ("djvu", djvu),
    b"MDF     4": ("mdf", mdf),
}
"""Magic number -> name and parser."""
