"""Finds the detectors of this distribution: every module of a family folder is one.

The build reads this file as well, to make the entry points; so it imports nothing but the standard library.
"""

from __future__ import annotations

from pathlib import Path

#: Folders of what detectors share. All other folders are families.
HELPERS = frozenset({"parsing", "transactions"})


def find_detectors(package: Path) -> dict[str, str]:
    """Return each detector's name with its module, relative to the package: ``{"ftp-data": "files.ftp_data"}``.

    A module is a file ``FAMILY/NAME.py`` below ``package``, its name is written with ``-`` for ``_``. Names that begin
    with ``_`` are no detectors. Raises ValueError when two families have a module of the same name.
    """
    found: dict[str, str] = {}
    for path in sorted(package.glob("*/*.py")):
        family = path.parent.name
        if family in HELPERS or path.stem.startswith("_"):
            continue
        name = path.stem.replace("_", "-")
        if name in found:
            raise ValueError(f"two detectors are called {name!r}: {found[name]} and {family}.{path.stem}; rename one")
        found[name] = f"{family}.{path.stem}"
    return found
