"""Entries of a list in the width that there is: nothing that a reader must type or read is cut."""

from __future__ import annotations

import shutil
import sys
import textwrap


def width() -> int | None:
    """Columns of the terminal that standard output goes to; None where it goes to a file or a pipe."""
    stdout = sys.__stdout__
    return shutil.get_terminal_size().columns if stdout is not None and stdout.isatty() else None


def block(first: list[str], rest: str, columns: int) -> list[str]:
    """Return an entry as lines: the words of ``first`` are never cut, and are in one line where they fit; ``rest`` is
    wrapped below them."""
    line = " ".join(first)
    lines = [line] if len(line) <= columns else [" ".join(first[:-1]), f"    {first[-1]}"]
    return [*lines, *textwrap.wrap(rest, columns, initial_indent="    ", subsequent_indent="    ")]


def fits(rows: list[list[str]], columns: int | None) -> bool:
    """Return True if a table of these rows fits the terminal; it always fits a file. Columns are two blanks apart."""
    if columns is None:
        return True
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return sum(widths) + 3 * len(widths) <= columns
