"""Named sets as the configuration makes them: entries of the file itself and of the files that it names."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from ..model.named_set import TYPES, NamedSet, SetFullError
from ..model.policy_file import named_in, policy_file
from .model import Config

#: bytes of one file at most, decompressed
MAX_FILE: Final = 256 << 20
#: errors that are shown of one file
_SHOWN: Final = 5
_NO_FILE: Final = "there is no such file"


def place_files(config: Config) -> None:
    """Take relative paths of files from the folder of the policy's file that names them."""
    for name, section in config.sets.items():
        if section.file is not None:
            path = ("sets", name, "file")
            placed = None
            try:
                with named_in(config._document.file_of(path)):
                    placed = policy_file(section.file)
            except ValueError as error:
                config.error(path, str(error))
            config.sets[name] = section.model_copy(update={"file": placed})


def build_sets(config: Config, *, read_files: bool = True) -> dict[str, NamedSet]:
    """Return the sets of a configuration with their entries. Errors are noted in ``config``."""
    found: dict[str, NamedSet] = {}
    for name, section in config.sets.items():
        made = found[name] = TYPES[section.type](name, section.size)
        for at, entry in enumerate(section.entries):
            try:
                made.add(entry)
            except (ValueError, SetFullError) as error:
                config.error(("sets", name, "entries", at), str(error))
        if section.file is not None and read_files:
            for message in load_file(made, section.file, section.column):
                config.error(("sets", name, "file"), message)
    return found


def check_sets(config: Config, *, entries: bool) -> None:
    """Note an error for each file of a set that is not there, and with ``entries`` for each entry that is none.

    A file that is still to be fetched is a warning: the set is empty until then.
    """
    there = {}
    for name, section in config.sets.items():
        missing = section.file is not None and _missing(section.file)
        if not missing:
            there[name] = section
        elif section.source is None or missing != _NO_FILE:
            config.error(("sets", name, "file"), f"{section.file}: {missing}")
        else:
            form = f"the set is empty until 'pywall set refresh {name}' has fetched it"
            config.warn(("sets", name, "file"), "W028", f"{section.file}: {missing}; {form}")
    if entries:
        build_sets(config.model_copy(update={"sets": there}))


def _missing(file: str) -> str:
    """Return why a file is not there, or cannot be looked for; nothing where it is there."""
    try:
        os.stat(file)
    except FileNotFoundError:
        return _NO_FILE
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return ""


def load_file(into: NamedSet, file: str, column: int | None = None) -> list[str]:
    """Add the entries of a file; return what is wrong, a line each (the first few)."""
    wrong: list[str] = []
    try:
        for place, entry in entries_of(file, column):
            try:
                into.add(entry)
            except ValueError as error:
                wrong.append(f"{place}: {error}")
                if len(wrong) == _SHOWN:
                    return [*wrong, f"{file}: and perhaps more"]
    except SetFullError as error:
        wrong.append(f"{file}: {error}")
    except (OSError, EOFError) as error:
        wrong.append(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}")
    return wrong


def entries_of(file: str, column: int | None = None) -> Iterator[tuple[str, str]]:
    """Return place (``file:line``) and text of each entry.

    A line is an entry, or an address that stands for no host (``0.0.0.0``, ``127.0.0.1``, ``::``) and a name, as in
    hosts files. With ``column`` it is CSV.

    :raises OSError: the file cannot be read
    """
    path = Path(file)
    if path.exists() and not (path.is_file() or path.is_dir() or path.samefile(os.devnull)):  # read twice, to its end
        raise OSError("a pipe or a device is no file")
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    opener: Callable[..., Any] = gzip.open if packed else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
        if column is not None:
            for number, row in enumerate(csv.reader(lines), 1):
                if len(row) >= column and row[0].strip()[:1] not in ("", "#"):
                    yield f"{file}:{number}", row[column - 1].strip()
            return
        for number, line in enumerate(lines, 1):
            entry = line.partition("#")[0].strip()
            if not entry or entry.startswith(";"):
                continue
            fields = entry.split()
            if len(fields) > 1 and fields[0] in _NO_HOST:
                for name in fields[1:]:
                    if name not in _LOCAL:
                        yield f"{file}:{number}", name
            else:
                yield f"{file}:{number}", entry


_NO_HOST: Final = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - what hosts files write
_LOCAL: Final = frozenset({"localhost", "localhost.localdomain", "local", "ip6-localhost", "ip6-loopback"})
