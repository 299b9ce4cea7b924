"""Descriptions of flows on their way from process to process and into the file: many in one text.

Each is a line; the lines are compressed (zlib, level 1: flows that wait for a next request differ in little), and the
result is text in base64, which the supervisor passes on unread. A worker reads it as hostile.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

from .handover import MAX_SIZE

#: Descriptions in one text.
CHUNK: Final = 200
#: Bytes of the lines in one text: another one begins where they are as many, so there is one description more.
_CHUNK_SIZE: Final = 1 << 18
_MAX_BYTES: Final = _CHUNK_SIZE + MAX_SIZE + CHUNK


def pack(descriptions: Iterable[bytes]) -> Iterator[str]:
    """Yield descriptions together, at most 200 in a text."""
    lines: list[bytes] = []
    size = 0
    for line in descriptions:
        lines.append(line)
        size += len(line)
        if len(lines) == CHUNK or size > _CHUNK_SIZE:
            yield _pack(lines)
            lines, size = [], 0
    if lines:
        yield _pack(lines)


def unpack(text: Any) -> list[bytes]:
    """Return the descriptions in a text, none where it is not of the form or too long."""
    if not isinstance(text, str):
        return []
    try:
        decompressor = zlib.decompressobj()
        lines = decompressor.decompress(binascii.a2b_base64(text, strict_mode=True), _MAX_BYTES)
    except (ValueError, zlib.error):
        return []
    return lines.split(b"\n", CHUNK)[:CHUNK] if decompressor.eof else []


def _pack(lines: list[bytes]) -> str:
    return binascii.b2a_base64(zlib.compress(b"\n".join(lines), 1), newline=False).decode("ascii")
