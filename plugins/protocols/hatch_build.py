"""Makes the entry points when the distribution is built or installed: the bundle, and each detector that is found."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PACKAGE = "pywall_protocols"


class EntryPoints(MetadataHookInterface):
    """Sets ``project.entry-points``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the entry points of the group ``pywall.plugins``."""
        package = Path(self.root) / "src" / PACKAGE
        detectors = runpy.run_path(str(package / "detectors.py"))["find_detectors"](package)
        points = {name: f"{PACKAGE}.{module}" for name, module in detectors.items()}
        metadata["entry-points"] = {"pywall.plugins": {"protocols": f"{PACKAGE}.bundle:Protocols", **points}}
