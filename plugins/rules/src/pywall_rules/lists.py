"""Parameters that are one value or a list of them, and lists kept in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: A list file larger than this is refused, bytes.
MAX_FILE_BYTES = 64 << 20


def one_or_more(value: Any) -> list[Any]:
    """A list as it is, anything else as a list of one. :raises ValueError: an empty list"""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("an empty list matches nothing")
    return values


def text(value: Any) -> str:
    """:raises ValueError: not text"""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; write it in quotes")
    return value


def lines_of(file: str) -> Iterator[tuple[str, str]]:
    """Place (``file:line``) and text of each line that is not empty; ``#`` begins a comment.

    :raises ValueError: the file cannot be read
    """
    try:
        path = Path(file)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"{file}: larger than {MAX_FILE_BYTES >> 20} MiB")
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file}: not UTF-8 text") from None
    for number, line in enumerate(content.splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if entry:
            yield f"{file}:{number}", entry
