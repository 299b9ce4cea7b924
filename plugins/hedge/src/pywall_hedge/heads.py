"""What a stream's first bytes are the head of. A magic number counts only when the structure behind it holds."""

from __future__ import annotations

import re

from . import archives, arrays, blocks, containers, films, jpegxl, lz, lzma_raw, pictures, printing, tables, wrappers
from .brotli_head import brotli_behind
from .structure import OWN_HEADER, examine, frame_within, hidden, look_behind, marked, register, within

__all__ = ["examine", "frame_within", "hidden", "introduced", "lines_in_front", "marked", "within"]

register(archives.MAGIC, archives.UNMARKED)
register(pictures.MAGIC)
register(containers.MAGIC)
register(films.MAGIC, seen_as={films.SIZE: films.BOX + b"|" + films.SIZE + lz.SIZED})
register(tables.MAGIC)
register(arrays.MAGIC)
register(jpegxl.MAGIC)
register(blocks.MAGIC)
register(printing.MAGIC)
register({}, lzma_raw.UNMARKED)
look_behind(lzma_raw.lzma2_behind)
look_behind(lzma_raw.lzma_behind)
look_behind(brotli_behind)
register(wrappers.MAGIC, wrappers.UNMARKED)

_TEXT = re.compile(rb"(?:[\t\x20-\x7e]{0,200}\r?\n){1,16}|[\t\x20-\x7e]{12,256}")


def lines_in_front(data: bytes) -> int:
    """Return how many bytes of text stand before the rest: lines, or a run of at least 12 characters; 0 without."""
    text = _TEXT.match(data)
    return text.end() if text else 0


def introduced(data: bytes) -> str | None:
    """As `examine`; text (lines, or a run of at least 12 characters) and a header of its own of at most 80 bytes may
    stand before the head.
    """
    name = examine(data)
    if name is not None or hidden():
        return name
    if end := lines_in_front(data):
        data = data[end:]
        name = examine(data)
        if name is not None or hidden():
            return name
    place = within(data)
    return None if place is None or place > OWN_HEADER else examine(data[place:])
