"""A configuration without the values that are wrong, so that the rest can be checked as well."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from .errors import Path


def without(data: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """Return a copy of ``data`` without the values at ``paths``. Lists keep the places of later entries: a
    plugin becomes one without a name, a chain an empty one."""
    made = copy.deepcopy(data)
    for path in sorted(paths, key=lambda path: [str(step) for step in path], reverse=True):
        parent: Any = made
        for step in path[:-1]:
            parent = parent[step] if _has(parent, step) else None
        if not path:
            made.clear()
        elif not _has(parent, path[-1]):
            continue  # a missing key, or already gone
        elif path[0] == "plugins" and len(path) == 2:
            parent[path[-1]] = {"": {}}
        elif path[0] == "chains" and len(path) == 2:
            parent[path[-1]] = []
        elif isinstance(parent, list) and len(parent) == 1:
            made.pop(str(path[0]), None)  # an empty list would be one mistake more
        else:
            del parent[path[-1]]
    return made


def _has(parent: Any, step: object) -> bool:
    if isinstance(parent, dict):
        return step in parent
    return isinstance(parent, list) and isinstance(step, int) and step < len(parent)
