"""Plugins run with the firewall's privileges: nobody else may be able to write their files."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import stat
from pathlib import Path

from ..file_tree import files_below


def unsafe_files(point: importlib.metadata.EntryPoint) -> list[str]:
    """Why the plugin's files must not be run by a privileged process: somebody else may write them."""
    top = point.module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return []  # the import will say it better
    places = list(spec.submodule_search_locations or ())
    if spec.origin and spec.origin not in ("built-in", "frozen", "namespace"):
        places.append(spec.origin)
    trusted = {0, os.geteuid(), int(os.environ.get("SUDO_UID", "0"))}
    errors: list[str] = []
    for place in places:
        paths = [place, os.path.dirname(place)]
        if Path(place).is_dir():
            paths += files_below(Path(place), ".py", ".so")
        for path in paths:
            try:
                found = os.stat(path)
            except OSError:
                continue
            sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
            if found.st_mode & stat.S_IWOTH and not sticky:
                errors.append(f"plugin {point.name!r}: {path} is writable by everybody; chmod o-w {path}")
            elif found.st_uid not in trusted:
                errors.append(f"plugin {point.name!r}: {path} belongs to uid {found.st_uid}, neither root nor you")
            if errors:
                return errors
    return errors
