"""Finds compiled modules that no longer belong to their source: Python would run the old code silently."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

from .file_tree import files_below
from .installed import entry_points

#: an installer writes a module and its source within this time and in any order, seconds
INSTALLATION_SECONDS: Final = 60.0


def stale_modules(packages: Iterable[Path] | None = None) -> list[Path]:
    """Return the compiled modules whose source is newer or gone, sorted.

    ``packages`` are folders; without them, those of the core and of all installed plugins. None is imported. With
    ``PYWALL_PURE`` set the sources run, and nothing is stale.
    """
    if os.environ.get("PYWALL_PURE"):
        return []
    folders = _our_packages() if packages is None else packages
    return sorted(Path(module) for folder in folders for module in files_below(folder, ".so") if _is_stale(module))


def _is_stale(module: str) -> bool:
    folder, _, name = module.rpartition("/")
    stem, _, suffix = name.partition(".")
    if f".{suffix}" not in EXTENSION_SUFFIXES or stem.endswith("__mypyc"):
        return False  # of another Python, or the library behind several modules
    try:
        newer_by = os.stat(f"{folder}/{stem}.py").st_mtime - os.stat(module).st_mtime
    except FileNotFoundError:
        return True
    return newer_by > (INSTALLATION_SECONDS if "/site-packages/" in module else 0)


def _our_packages() -> Iterator[Path]:
    names = {point.value.partition(":")[0].partition(".")[0] for point in entry_points("pywall.plugins")}
    for name in sorted(names | {__package__}):
        spec = importlib.util.find_spec(name)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield Path(folder)
