"""The sources instead of the compiled modules of the same name, for debuggers, coverage, fuzzing and documentation.

``PYWALL_PURE=1`` in the environment asks for it; the package does so before it imports anything else of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import Any


def prefer_sources() -> None:
    """From now on a ``.py`` of ours is imported where an extension module of the same name is in the same folder.

    Packages of others are left alone: some have sources beside their extension modules that do not run by themselves.
    """
    finder: Callable[[str], Any] = FileFinder.path_hook(
        (SourceFileLoader, SOURCE_SUFFIXES),
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )

    def ours(folder: str) -> Any:
        if not any(part.startswith("pywall_") for part in Path(folder).parts):
            raise ImportError(f"{folder}: not a package of PyWall")
        return finder(folder)

    sys.path_hooks.insert(0, ours)
    sys.path_importer_cache.clear()
