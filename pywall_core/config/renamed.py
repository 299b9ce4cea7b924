"""Names that a policy used to say otherwise: refused with the new one, and rewritten by ``pywall check --fix``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from .errors import Problem

#: facts by their former names
FACTS: Final = {
    "payload_class": "payload.class",
    "confidence": "payload.confidence",
    "entropy": "payload.entropy",
    "bytes_seen": "payload.bytes_seen",
    "sni": "tls.sni",
}


def fix_file(path: Path, problems: Iterable[Problem]) -> list[str]:
    """Rewrite the former names that ``problems`` point at, each at its place; comments and layout stay.

    Return what was done, a line each (``file:line: old -> new``).

    :raises OSError: the file cannot be read or written
    """
    lines = path.read_bytes().decode().splitlines(keepends=True)
    done: list[str] = []
    places = {(problem.line, problem.column) for problem in problems if problem.file in ("", str(path))}
    for line, column in sorted(places, reverse=True):
        if not 0 < line <= len(lines):
            continue
        text, at = lines[line - 1], column - 1
        if text[at : at + 1] in ("'", '"'):
            at += 1
        for old, new in FACTS.items():
            after = text[at + len(old) : at + len(old) + 1]
            if text.startswith(old, at) and not (after.isalnum() or after in ("_", ".")):
                lines[line - 1] = text[:at] + new + text[at + len(old) :]
                done.append(f"{path}:{line}: {old} -> {new}")
                break
    if done:
        path.write_bytes("".join(lines).encode())  # line ends stay as they are
    return done[::-1]
