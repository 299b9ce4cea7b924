"""Entry points of installed distributions. Their files are read again when a folder of ``sys.path`` has changed."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from importlib.metadata import EntryPoints
from typing import Any

_Places = tuple[tuple[str, int], ...]
#: the folders that were looked into with the times of their last changes, and what was found
_found: tuple[_Places, Any] = ((), None)


def entry_points(group: str, **wanted: str) -> EntryPoints:
    """Return the entry points of a group, those alone that have the ``name`` or ``value`` wanted. Nothing is imported.

    A start asks three times, and some hundred files are read for each answer. The disk cache of stevedore is not used:
    somebody else may be able to write it.
    """
    global _found
    places = tuple((place, _changed(place)) for place in sys.path)
    if _found[0] != places or _found[1] is None:
        _found = places, importlib.metadata.entry_points()
    selected: EntryPoints = _found[1].select(group=group, **wanted)
    return selected


def _changed(place: str) -> int:
    """Return when a folder was changed, in nanoseconds, -1 where there is none."""
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return -1
