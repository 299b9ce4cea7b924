"""The sources instead of the compiled modules beside them, for debuggers, coverage, fuzzing and documentation.

``PYWALL_PURE=1`` in the environment asks for it; the package does so before it imports anything else of its own.
"""

from __future__ import annotations

import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)


def prefer_sources() -> None:
    """From now on a ``.py`` is imported where an extension module of the same name stands beside it."""
    finder = FileFinder.path_hook(
        (SourceFileLoader, SOURCE_SUFFIXES),
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )
    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()
