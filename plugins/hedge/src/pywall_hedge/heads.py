"""What a stream's first bytes are the head of. A magic number counts only when the structure behind it holds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

from . import archives, containers, pictures

_BY_FIRST: dict[int, list[tuple[bytes, str, Callable[[bytes], bool]]]] = defaultdict(list)
for _table in (archives.MAGIC, pictures.MAGIC, containers.MAGIC):
    for _magic, (_name, _holds) in _table.items():
        _BY_FIRST[_magic[0]].append((_magic, _name, _holds))


def examine(data: bytes) -> str | None:
    """Name the compressed format whose head `data` is, or None. Never raises.

    `data`: the first bytes of a stream, as many as there are. Asked again with more bytes it may answer None where it
    named a format before: what followed did not fit.
    """
    if len(data) < 16:
        return None
    try:
        for magic, name, holds in _BY_FIRST.get(data[0], ()):
            if data.startswith(magic) and holds(data):
                return name
        if data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0 and archives.zlib_stream(data):
            return "zlib"
        return next((name for name, holds in archives.UNMARKED if holds(data)), None)
    except (IndexError, MemoryError, RecursionError):
        return None  # a header cut short where a parser looked ahead, or heads within heads without end


def introduced(data: bytes) -> str | None:
    """As `examine`; lines of text may stand before the head, as where a command names the file that follows it."""
    name = examine(data)
    if name is None and (lines := _LINES.match(data)):
        name = examine(data[lines.end() :])
    return name


_LINES = re.compile(rb"(?:[\t\x20-\x7e]{0,200}\r?\n){1,16}")


def marked(data: bytes) -> bool:
    """The bytes begin with some format's magic number, or a frame's sync word, whatever follows."""
    if data[:1] == b"\xff" and data[1:2] >= b"\xe0":
        return True
    return bool(data) and any(len(magic) > 1 and data.startswith(magic) for magic, _, _ in _BY_FIRST.get(data[0], ()))
