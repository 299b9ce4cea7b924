"""Events that nobody will ever read: files that cannot be opened, and types that nothing is known to write."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from ..config import BoundRule, Config, Path, leaves, nearest

if TYPE_CHECKING:
    from ..plugins.registry import Plugins

#: what the core writes, and `alert` of rules
CORE_TYPES: Final = frozenset({"flow", "drop", "alert", "anomaly", "stats", "set"})


def lint_outputs(config: Config, plugins: Plugins, chains: Mapping[str, list[BoundRule]]) -> None:
    """Note outputs that cannot be opened on this machine, and events that ``events.types`` keeps from being written."""
    for path, file in _files(config):
        if trouble := _trouble(FilePath(file)):
            config.warn(path, "W030", f"{file!r} cannot be written: {trouble}")
    types = config.events.types
    if types is None:
        return
    known = CORE_TYPES | set(plugins.protocols())
    for at, name in enumerate(types):
        if name not in known:
            hint = nearest(name, known)
            config.warn(("events", "types", at), "W029", f"no loaded plugin is known to write events {name!r}{hint}")
    if "alert" not in types:
        for rule in (rule for rules in chains.values() for rule in rules):
            if not all(kind.decides for kind in leaves(rule.condition)):
                config.warn(rule.path, "W031", "speaks by events 'alert', which events.types leaves out: add it there")


def _files(config: Config) -> Iterator[tuple[Path, str]]:
    events = config.events
    if events.file is not None:
        yield ("events", "file"), events.file
    if events.pcap is not None:
        given = config.at(("events", "pcap")) if "events" in config.given else None
        yield ("events", "pcap", "file") if isinstance(given, dict) else ("events", "pcap"), events.pcap.file


def _trouble(file: FilePath) -> str:
    """Return why a file cannot be written, and the remedy; nothing where it can, or this user may not know."""
    # methods of a path raise where a name is too long
    if os.path.isdir(file):
        return f"it is a folder; name a file in it, {file / 'eve.json'}"
    folder = file.parent
    if not os.path.exists(folder):
        return f"there is no folder {str(folder)!r}; make it, mkdir -p {folder}"
    if not os.path.isdir(folder):
        return f"{str(folder)!r} is not a folder"
    if os.geteuid() == 0 and not os.access(file if os.path.exists(file) else folder, os.W_OK):
        return "the file system is read-only"
    return ""
