"""Parameters that are one value or a list of them, and lists kept in files."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import PolicyFile

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
        if value is None or isinstance(value, dict):
            raise ValueError(f"{'nothing' if value is None else 'a mapping'} is not text")
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise ValueError(f"{shown} is not text; write it in quotes, '{shown}'")
    return value


class FileColumn(BaseModel):
    """A list in a file: ``{file: ja3.csv, column: ja3_md5}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: PolicyFile = Field(
        description="a file of values, one a line, or of comma-separated columns; # begins a comment"
    )
    column: int | str = Field(
        default=1, description="number of the column from 1, or its name in the line before the first values"
    )

    def values(self) -> Iterator[str]:
        """Yield the column's values.

        :raises ValueError: the file cannot be read, or has no such column
        """
        at = self.column - 1 if isinstance(self.column, int) else None
        if at is not None and at < 0:
            raise ValueError("columns are counted from 1")
        header: list[str] = []
        for place, line in _lines(self.file):
            comment = line.startswith("#")
            fields = next(csv.reader([line.lstrip("# ") if comment else line], skipinitialspace=True), [])
            if comment:
                header = fields
                continue
            if at is None:
                named = header if self.column in header else fields
                if self.column not in named:
                    raise ValueError(
                        f"{place}: no column {self.column!r}; there are {', '.join(map(repr, header or fields))}"
                    )
                at = named.index(str(self.column))
                if named is fields:
                    continue
            if at < len(fields) and fields[at].strip():
                yield fields[at].strip()


def _lines(file: str) -> Iterator[tuple[str, str]]:
    """Place and text of each line that is not empty, comments too."""
    for number, line in enumerate(_text_of(file).splitlines(), 1):
        if line.strip():
            yield f"{file}:{number}", line.strip()


def _text_of(file: str) -> str:
    """Return the content of a list. :raises ValueError: it cannot be read"""
    try:
        path = Path(file)
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"{file}: larger than {MAX_FILE_BYTES >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file}: not UTF-8 text") from None


def lines_of(file: str) -> Iterator[tuple[str, str]]:
    """Place (``file:line``) and text of each line that is not empty; ``#`` begins a comment.

    :raises ValueError: the file cannot be read
    """
    for place, line in _lines(file):
        entry = line.partition("#")[0].strip()
        if entry:
            yield place, entry
