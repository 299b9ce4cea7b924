"""The facts that loaded plugins declare: what a rule can ask."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ..detection.ip_protocols import FACTS
from .docstrings import docstring
from .plugin import Plugin

#: facts that the core itself knows of a flow
CORE_FACTS: Final = frozenset(
    {"app_proto", "app_proto_orig", "app_proto_outer", "expected", "flow.expected", "older", "flow.older", *FACTS}
)
#: hooks in which a plugin sees flows, and may set facts of them
_HOT: Final = frozenset({"detect", "classify", "packet", "segment", "decided", "flow_start"})
_FIELD: Final = re.compile(r"^:facts: ((?:.|\n(?!:|\n))+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """Dotted names that some plugin declares, and beginnings of names of plugins that declare none: anything goes."""

    names: frozenset[str] = CORE_FACTS
    open: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Return True if some loaded plugin may give the fact."""
        return name in self.names or name.partition(".")[0] in self.open


class DeclaredFacts:
    """As :class:`KnownFacts`, read when a rule asks for one: what a compiled detector declares is in its source alone,
    and reading those of all detectors is a fifth of a start.
    """

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = tuple(plugins)
        #: by protocol: what its own plugins declare, and those that need no docstring
        self._near: dict[str, KnownFacts] = {}

    @cached_property
    def _all(self) -> KnownFacts:
        return known_facts(self._plugins)

    @property
    def names(self) -> frozenset[str]:
        """Dotted names that some plugin declares."""
        return self._all.names

    def has(self, name: str) -> bool:
        """Return True if some loaded plugin may give the fact."""
        protocol = name.partition(".")[0]
        near = self._near.get(protocol)
        if near is None:
            near = known_facts(p for p in self._plugins if hasattr(p.obj, "facts") or protocol in _named(p))
            self._near[protocol] = near
        return near.has(name) or self._all.has(name)


def known_facts(plugins: Iterable[Plugin]) -> KnownFacts:
    """Return the facts of all loaded plugins together."""
    names: set[str] = set(CORE_FACTS)
    anything: set[str] = set()
    plugins = tuple(plugins)
    owners = {name for plugin in plugins for name in _named(plugin)}
    for plugin in plugins:
        declared = declared_facts(plugin.obj)
        names.update(name for facts in getattr(plugin.obj, "carriers", {}).values() for name in facts)
        protocols = tuple(getattr(plugin.obj, "protocols", ())) or (plugin.name,)
        if declared is None and _HOT.isdisjoint(plugin.hooks):
            continue
        if declared is None:
            anything.update(name.replace("-", "_") for name in (plugin.name, *protocols))
        elif "detect" in plugin.hooks:
            names.update(f"{protocol}.{name}" for protocol in protocols for name in declared)
            names.update(name for name in declared if "." in name and name.partition(".")[0] in owners)
        else:
            names.update(declared)
    return KnownFacts(frozenset(names), frozenset(anything))


def _named(plugin: Plugin) -> tuple[str, ...]:
    """Return the plugin's name and those of its protocols."""
    return (plugin.name, *getattr(plugin.obj, "protocols", ()))


def declared_facts(plugin: Any) -> list[str] | None:
    """Return the names as the plugin declares them: its attribute ``facts``, or the field ``:facts:`` of its
    docstring, in which a detector's names are written without its protocol's. None where it declares nothing."""
    facts = getattr(plugin, "facts", None)
    if facts is not None:
        return list(facts)
    found = _FIELD.search(docstring(plugin))
    if found is None:
        return None
    text = re.sub(r"\([^)]*\)", "", found[1])
    names = [name.split()[0].strip("`.") for name in re.split(r"[,;]", text) if name.strip()]
    return [] if names == ["none"] else names
