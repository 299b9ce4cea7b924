"""``pywall plugins new``: a complete distribution of a plugin from the template files beside this module.

Files under ``files/common`` go into every plugin, those under ``files/<kind>`` into one of that kind. ``$name`` and
``$module`` are filled in, in texts and (as "MODULE") in file names. A file ends in ``.txt`` here so that no tool takes
the template for code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

KINDS: Final = ("detector", "rule", "classifier", "inspector")


class ScaffoldError(Exception):
    """The plugin can't be written; the text says why."""


def write(name: str, kind: str, parent: Path) -> Path:
    """Write the distribution ``pywall-<name>`` into a new folder of that name below ``parent``; returns the folder.

    Raises ScaffoldError for a name that is none, and where the folder exists already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ScaffoldError(f"{name!r} is not a plugin name: lower-case letters and digits, words joined by '-'")
    if kind not in KINDS:
        raise ScaffoldError(f"{kind!r} is not a kind of plugin (there are: {', '.join(KINDS)})")
    folder = parent / f"pywall-{name}"
    if folder.exists():
        raise ScaffoldError(f"{folder} exists already")
    names = {
        "name": name,
        "module": name.replace("-", "_"),
        "title": "".join(map(str.capitalize, name.split("-"))),
        "kind": kind,
    }
    names["target"] = f"pywall_{names['module']}" + (f":{names['title']}" if kind == "inspector" else "")
    root = resources.files(__name__) / "files"
    for part in ("common", kind):
        for path, text in _files(root / part, Path()):
            target = folder / str(path).replace("MODULE", names["module"]).removesuffix(".txt")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(text).substitute(names), encoding="utf-8")
    return folder


def _files(folder: Traversable, path: Path) -> Iterator[tuple[Path, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, path / entry.name)
        elif entry.name.endswith(".txt"):
            yield path / entry.name, entry.read_text(encoding="utf-8")
