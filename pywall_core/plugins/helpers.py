"""Helper processes that plugins bring, by their entry points: ``pywall.helpers``, named as the plugin is."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Final

from ..installed import entry_points
from .safety import unsafe_files

if TYPE_CHECKING:
    from ..config import Config

GROUP: Final = "pywall.helpers"


def wanted_helpers(config: Config) -> list[str]:
    """Return the plugins of a configuration that have a helper process. Nothing is imported."""
    have = {point.name for point in entry_points(GROUP)}
    return [entry.name for entry in config.plugins if entry.name in have]


def are_helpers_installed() -> bool:
    """Return whether some installed plugin has a helper process: a reload may ask for it."""
    return bool(entry_points(GROUP))


def helper_point(name: str) -> EntryPoint:
    """Return the entry point of a plugin's helper.

    :raises LookupError: there is none, more than one, or somebody else may write its files
    """
    found = list(entry_points(GROUP, name=name))
    if len({point.value for point in found}) != 1:
        raise LookupError(f"helper {name!r}: {len(found)} distributions bring one")
    unsafe = unsafe_files(found[0])
    if unsafe:
        raise LookupError(unsafe[0])
    return found[0]
