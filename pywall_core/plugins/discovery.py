"""Which plugins are installed, by their entry points. None is imported."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .. import installed

GROUP: Final = "pywall.plugins"


class PluginError(Exception):
    """A plugin can't be used; ``name`` is its entry point, ``errors`` one line each."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = list(errors)
        super().__init__("\n".join(self.errors))


@dataclass(slots=True)
class Listed:
    """One line of ``pywall plugins list``. ``position`` counts from 1 in the configuration's order, 0: not named."""

    name: str
    distribution: str
    version: str
    target: str
    position: int = 0
    state: str = "installed"
    api: int | None = None
    hooks: tuple[str, ...] = ()
    error: str = ""


def entry_points() -> list[importlib.metadata.EntryPoint]:
    """Entry points of the group, by name. Raises PluginError when two distributions claim one name."""
    found = sorted(installed.entry_points(GROUP), key=lambda e: e.name)
    by_name: dict[str, importlib.metadata.EntryPoint] = {}
    errors = []
    unique = []
    for point in found:
        other = by_name.get(point.name)
        if other is None:
            by_name[point.name] = point
            unique.append(point)
        elif distribution_of(other) != distribution_of(point) or other.value != point.value:
            errors.append(
                f"plugin name {point.name!r} is claimed by two distributions: "
                f"{distribution_of(other)[0]} and {distribution_of(point)[0]}; uninstall one"
            )
    if errors:
        raise PluginError(errors)
    return unique


def discover() -> list[Listed]:
    """Return all installed plugins, none of them imported."""
    return [Listed(e.name, *distribution_of(e), e.value) for e in entry_points()]


def distribution_of(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    dist = point.dist
    return ("?", "?") if dist is None else (dist.name, dist.version)
