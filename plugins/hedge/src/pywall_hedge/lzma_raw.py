"""LZMA and LZMA2 without a container (The .xz File Format 1.2, section 5.3.1; LZMA specification), by decoding.

The range coder's first byte is zero. A decoder takes random bytes for literals and matches, and a match that reaches
before the start comes within some ten of them.
"""

from __future__ import annotations

import lzma
import re
from typing import Final

from .structure import SAMPLE, Decoded, earned, fits_behind

_DICTIONARY: Final = 1 << 20
_OUTPUT: Final = 1 << 18
_PROOF: Final = 40
"""Bytes that must have been taken."""
_PROPERTIES: Final = ((3, 0, 2), (3, 0, 0), (0, 2, 2), (4, 0, 0))
"""Literal context, literal position and position bits that are in use: LZMA's default, text, 32-bit code."""
_CODERS: Final = [
    [{"id": lzma.FILTER_LZMA1, "dict_size": _DICTIONARY, "lc": lc, "lp": lp, "pb": pb}] for lc, lp, pb in _PROPERTIES
]
_CHUNKS: Final = [{"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY}]


def lzma_raw(data: bytes, at: int = 0) -> bool:
    """LZMA from its range coder's first byte on, `data[at]`. The first symbol is a literal: the next bit is zero."""
    if len(data) - at < _PROOF or data[at] or data[at + 1] > 127 or data[at + 1] == data[at + 2] == 0:
        return False
    data = data[at:]
    return any(_decodes(data, coder) for coder in _CODERS)


def lzma2_raw(data: bytes, at: int = 0) -> bool:
    """Chunks of LZMA2, from a first one at `data[at]` that sets the dictionary and the properties."""
    if len(data) - at < _PROOF or data[at] < 0xE0 or data[at + 5] >= 225 or data[at + 6]:
        return False
    return _decodes(data[at:], _CHUNKS)


def _decodes(data: bytes, coder: list[dict[str, int]]) -> bool:
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=coder)
    try:
        output = decoder.decompress(data, _OUTPUT)
    except lzma.LZMAError:
        return False
    end = len(data) - len(decoder.unused_data)
    if len(output) < _OUTPUT and not earned(end, Decoded(end, len(output), output[:SAMPLE])):
        return False
    return not decoder.eof or (end >= _PROOF and fits_behind(data, end))


def lzma2_behind(data: bytes) -> int | None:
    """Return the size of the own header, 1 to BEHIND_CHUNK bytes, that LZMA2 follows, or None."""
    found = _CHUNK.finditer(data, 1, BEHIND_CHUNK + 7)
    return next((at.start() for at in found if lzma2_raw(data, at.start())), None)


def lzma_behind(data: bytes) -> int | None:
    """Return the size of the own header, 1 to BEHIND bytes, that LZMA follows, or None."""
    found = _CODER.finditer(data, 1, BEHIND + 3)
    return next((at.start() for at in found if lzma_raw(data, at.start())), None)


BEHIND: Final = 16
BEHIND_CHUNK: Final = 48
"""Bytes of an own header behind which LZMA and LZMA2 are looked for: a glance refuses nearly all random bytes."""
_CHUNK: Final = re.compile(rb"[\xe0-\xff](?=.{4}[\0-\xe0]\0)", re.DOTALL)
_CODER: Final = re.compile(rb"\0(?=[\0-\x7f].)(?!\0\0)", re.DOTALL)
"""What `lzma2_raw` and `lzma_raw` ask of the first bytes."""

UNMARKED: Final = (("lzma2", lzma2_raw, bytes(range(0xE0, 0x100))), ("lzma", lzma_raw, b"\0"))
"""Name, parser and first bytes; what is in a chunk of LZMA2 is LZMA."""
