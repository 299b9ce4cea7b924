"""Finds the detectors of this distribution: every module of a family folder is one.

The build reads this file as well, to make the entry points; so it imports nothing but the standard library.
"""

from __future__ import annotations

import os
from pathlib import Path

#: Folders of what detectors share. All other folders are families.
HELPERS = frozenset({"parsing", "transactions"})


def find_detectors(package: Path) -> dict[str, str]:
    """Return each detector's name with its module, relative to the package: ``{"ftp-data": "files.ftp_data"}``.

    A module is a file ``FAMILY/NAME.py`` below ``package``, its name is written with ``-`` for ``_``. Names that begin
    with ``_`` are no detectors. Raises ValueError when two families have a module of the same name.
    """
    found: dict[str, str] = {}
    families = sorted(entry.name for entry in os.scandir(package) if entry.is_dir() and entry.name not in HELPERS)
    for family in families:
        for module, ending in map(os.path.splitext, sorted(os.listdir(package / family))):
            if ending != ".py" or module.startswith("_"):
                continue
            name = module.replace("_", "-")
            if name in found:
                raise ValueError(f"two detectors are called {name!r}: {found[name]} and {family}.{module}; rename one")
            found[name] = f"{family}.{module}"
    return found
