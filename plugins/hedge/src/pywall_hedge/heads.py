"""What a stream's first bytes are the head of. A magic number counts only when the structure behind it holds."""

from __future__ import annotations

import re

from . import archives, containers, pictures
from .structure import examine, marked, register

__all__ = ["examine", "introduced", "marked"]

register(archives.MAGIC, archives.UNMARKED)
register(pictures.MAGIC)
register(containers.MAGIC)

_LINES = re.compile(rb"(?:[\t\x20-\x7e]{0,200}\r?\n){1,16}")


def introduced(data: bytes) -> str | None:
    """As `examine`; lines of text may stand before the head, as where a command names the file that follows it."""
    name = examine(data)
    if name is None and (lines := _LINES.match(data)):
        name = examine(data[lines.end() :])
    return name
