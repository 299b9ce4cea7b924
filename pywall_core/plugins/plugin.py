"""One loaded plugin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Plugin:
    """A loaded plugin. ``hooks`` are names without prefix; ``provides`` its capabilities; ``place`` is the position in
    the configuration's list of the entry that brought it."""

    name: str
    obj: Any
    distribution: str
    version: str
    hooks: tuple[str, ...]
    provides: tuple[str, ...]
    place: int = 0
