"""Document: a configuration as plain data, with the place of each value and key, and the objections to them.

:mod:`pywall_core.config.yaml_reader` makes it from text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from .errors import Path, Problem, path_text

#: ``# pywall: ignore[W012]`` at the end of a line: warnings with these codes are not wanted for it
_IGNORED: Final = re.compile(r"#\s*pywall:\s*ignore\[([^\]]*)\]")


class Mark(NamedTuple):
    """A place in a file: line and column count from 1. An empty ``file`` is the document's own."""

    line: int
    column: int
    file: str = ""


@dataclass
class Document:
    """Parsed YAML: plain data, and the place of every value and key by its path.

    ``texts`` holds the text of each file that it was read from, ``broken`` the lines that could not be read.
    """

    file: str
    data: Any = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    ambiguous: set[Mark] = field(default_factory=set)
    refused_keys: set[Mark] = field(default_factory=set)
    broken: set[tuple[str, int]] = field(default_factory=set)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, path: Path, message: str, *, key: bool = False, code: str = "") -> Problem:
        """Return an objection to the value at ``path`` (``key``: to its key), marked at the nearest place in the
        file.
        """
        at = path
        while at and at not in self.marks:
            at = at[:-1]
        mark = (self.keys if key or at != path else self.marks).get(at) or self.marks.get(at, Mark(0, 0))
        return self.at(mark, path, message, code)

    def file_of(self, path: Path) -> str:
        """Return the file that a value, or what it is in, came from; empty for plain data."""
        return self.problem(path, "").file

    def at(self, mark: Mark, path: Path, message: str, code: str = "") -> Problem:
        """Return an objection at a known place."""
        file = mark.file or self.file
        return Problem(mark.line, mark.column, path_text(path), message, file, code, self.excerpt(mark))

    def error(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note an objection, unless the same value was already objected to as YAML."""
        problem = self.problem(path, message, key=key)
        mark = Mark(problem.line, problem.column, "" if problem.file == self.file else problem.file)
        if key and mark in self.refused_keys:
            return
        if (key or mark not in self.ambiguous) and (problem.file, problem.line) not in self.broken:
            self.problems.append(problem)

    def warn(self, path: Path, code: str, message: str, *, key: bool = False) -> None:
        """Note what is allowed but probably not meant, unless ``# pywall: ignore[CODE]`` is in that line."""
        problem = self.problem(path, message, key=key, code=code)
        lines = self.texts.get(problem.file, [])
        line = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
        ignored = _IGNORED.search(line)
        if ignored and code in re.split(r"[\s,]+", ignored[1]):
            return
        if problem not in self.warnings:
            self.warnings.append(problem)

    def is_lost(self, section: str) -> bool:
        """Return whether a line that begins with this key could not be read."""
        lines = (self.texts[file][line - 1] for file, line in self.broken if 0 < line <= len(self.texts.get(file, ())))
        return any(line.startswith(f"{section}:") for line in lines)

    def excerpt(self, mark: Mark) -> str:
        """Return the line of a place, and below it a caret; of a long line, a part. Empty without a place."""
        lines = self.texts.get(mark.file or self.file, [])
        if not 0 < mark.line <= len(lines):
            return ""
        line = lines[mark.line - 1].replace("\t", " ").rstrip()
        start = max(0, mark.column - 60) if len(line) > 100 else 0
        return f"{line[start : start + 100]}\n{' ' * (mark.column - 1 - start)}^"
