"""Reading policies from disk: one file, or one with what it includes, bundled so that every process sees the same."""

from __future__ import annotations

import json
import os
import select
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from ..model.policy_file import folder_of
from .document import Document
from .errors import ConfigError, Problem
from .yaml_reader import MAX_BYTES, parse

#: Files that one policy may consist of, and how deep they may include each other.
MAX_FILES: Final = 256
MAX_DEPTH: Final = 8
_BUNDLE: Final = b"#pywall-files "


def read_file(name: str, warnings: list[str], silence: float | None = None) -> bytes:
    """Return the content of one file. A pipe or a terminal is given up after ``silence`` seconds without a byte; None
    waits.

    :raises ConfigError: it cannot be read, or anybody may write it and we are root
    """
    try:
        with open(name, "rb", opener=_open) as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_BYTES + 1) if stat.S_ISREG(mode) else _read_as_it_comes(file.fileno(), silence)
    except OSError as error:
        raise ConfigError([Problem(0, 0, "", f"cannot be read: {error.strerror or error}", name)]) from None
    except ValueError as error:  # a NUL in the name
        raise ConfigError([Problem(0, 0, "", f"cannot be read: {error}", repr(name))]) from None
    if stat.S_ISREG(mode) and mode & stat.S_IWOTH:
        message = "anybody may write this file: chmod o-w it"
        if os.geteuid() == 0:
            raise ConfigError([Problem(0, 0, "", message, name)])
        warnings.append(f"{name}: {message}")
    return text


def _open(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)


def _read_as_it_comes(descriptor: int, silence: float | None) -> bytes:
    """Return what comes from a pipe, terminal or device until its end.

    :raises OSError: nothing comes for ``silence`` seconds
    """
    text = bytearray()
    while len(text) <= MAX_BYTES:
        if not select.select([descriptor], [], [], silence)[0]:
            raise OSError(f"it is no file, and nothing comes from it within {silence:g} s")
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        text += chunk
    return bytes(text)


#: what a text begins with that tells why its file is not here; no text of a policy begins with it
UNREAD: Final = b"\0"


def bundle(name: str, text: bytes, warnings: list[str], silence: float | None = None) -> bytes:
    """Return the text together with those of all files that it includes; the text itself where it includes none.
    ``silence``: see :func:`read_file`.

    In place of a file that cannot be read stands :data:`UNREAD` and why, so that this hides no other mistake.

    :raises ConfigError: too many files are included
    """
    if b"include" not in text:
        return text
    texts: dict[str, bytes] = {name: text}
    problems: list[Problem] = []
    waiting = [(name, 0)]
    while waiting:
        file, depth = waiting.pop()
        try:
            document = parse(texts[file], file)
        except ConfigError:
            continue  # said when it is loaded
        for path, pattern in inclusions(document):
            if depth >= MAX_DEPTH or len(texts) >= MAX_FILES:
                problems.append(document.problem(path, f"more than {MAX_FILES} files, or {MAX_DEPTH} in each other"))
                break
            there = matches(file, pattern)
            if not there:
                warnings.append(f"{file}: include {pattern}: no file matches")
            for found in there:
                if found not in texts:
                    try:
                        texts[found] = read_file(found, warnings, silence)
                    except ConfigError as error:
                        texts[found] = UNREAD + error.problems[0].message.encode()
                        continue
                    waiting.append((found, depth + 1))
    if problems:
        raise ConfigError(problems)
    if len(texts) == 1:
        return text
    head = json.dumps([[file, len(content)] for file, content in texts.items()]).encode()
    return b"".join([_BUNDLE, head, b"\n", *texts.values()])


def unbundle(text: bytes, name: str) -> dict[str, bytes]:
    """Texts by file, the main one first."""
    if not text.startswith(_BUNDLE):
        return {name: text}
    head, _, rest = text.partition(b"\n")
    found: dict[str, bytes] = {}
    for file, length in json.loads(head.removeprefix(_BUNDLE)):
        found[file], rest = rest[:length], rest[length:]
    return found


def inclusions(document: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Place and text of each ``include:`` of a file: at its top, and as an entry of a chain, or of a list of rules."""
    data = document.data
    if isinstance(data, list):
        yield from _in_rules(data, ())
    if not isinstance(data, dict):
        return
    given = data.get("include")
    for at, entry in enumerate(given if isinstance(given, list) else [given]):
        if isinstance(entry, str):
            yield (("include", at) if isinstance(given, list) else ("include",)), entry
    chains = data.get("chains")
    for name, rules in chains.items() if isinstance(chains, dict) else ():
        yield from _in_rules(rules, ("chains", name))


def _in_rules(rules: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for at, rule in enumerate(rules if isinstance(rules, list) else ()):
        if is_inclusion(rule):
            yield (*path, at, "include"), rule["include"]


def is_inclusion(rule: object) -> bool:
    """Return True if the entry of a list of rules stands for the rules of a file: ``- include: FILE``."""
    return isinstance(rule, Mapping) and list(rule) == ["include"] and isinstance(rule["include"], str)


def matches(file: str, pattern: str) -> list[str]:
    """Files that an ``include`` of ``file`` means: a path from its folder, all ``*.yaml`` of a folder, or a pattern."""
    base = folder_of(file)
    path = base / pattern
    if os.path.isdir(path):  # is_dir of a path raises where a name is too long or a folder may not be searched
        return sorted(str(found) for found in path.glob("*.yaml"))
    if any(char in pattern for char in "*?["):
        folder = base / FilePath(pattern).parent
        return sorted(str(found) for found in folder.glob(FilePath(pattern).name)) if os.path.isdir(folder) else []
    return [str(path)]


def bundled(file: str, pattern: str, known: Iterable[str]) -> list[str]:
    """Return the same from the names of the files that were read."""
    path = folder_of(file) / pattern
    inside = [name for name in known if FilePath(name).parent == path or FilePath(name).match(str(path))]
    return [str(path)] if str(path) in known else sorted(inside)
