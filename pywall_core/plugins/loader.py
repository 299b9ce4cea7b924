"""Plugins: found by entry points, imported only when the configuration names them, checked, ordered, registered.

stevedore loads; what it must not do for a root process is kept from it: its on-disk cache (seeded with entry points
read fresh, so the file is never opened), and silent shadowing of one name by two distributions (refused before).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pluggy
from pydantic import BaseModel
from stevedore import ExtensionManager, NamedExtensionManager

from .. import hookspecs
from ..api import API_VERSION
from ..config.errors import nearest, some_of
from ..config.rules import ALWAYS_KNOWN
from ..detection.classifiers import Classifier
from ..detection.detectors import Detector, Detectors
from ..model.rule_kind import RuleKind
from . import trace as calltrace

if TYPE_CHECKING:
    from ..config import Config
    from ..config.model import PluginEntry

GROUP: Final = "pywall.plugins"
_PREFIX: Final = "pywall_"
#: hooks that no packet waits for
COLD_HOOKS: Final = frozenset({"rules", "startup", "tick", "event", "stats", "facts_so_far", "shutdown"})


#: (plugin name, callable) in the order of the configuration
Calls = tuple[tuple[str, Callable[..., Any]], ...]


class PluginError(Exception):
    """A plugin can't be used; ``name`` is its entry point, ``errors`` one line each."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = list(errors)
        super().__init__("\n".join(self.errors))


class RuleRegistry:
    """What ``pywall_rules`` is given: call it with a :class:`RuleKind` class."""

    def __init__(self) -> None:
        self.kinds: dict[str, type[RuleKind]] = {}
        self.owner: dict[str, str] = {}
        self.registering = ""

    def __call__(self, kind: type[RuleKind]) -> None:
        """Register a kind of rule. Raises ValueError when another plugin has taken the name."""
        taken = self.owner.get(kind.kind)
        if taken is not None:
            raise ValueError(f"rule kind {kind.kind!r} of plugin {self.registering!r} is already that of {taken!r}")
        self.kinds[kind.kind] = kind
        self.owner[kind.kind] = self.registering


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


@dataclass
class Plugins:
    """All plugins of a configuration, in its order."""

    manager: pluggy.PluginManager
    loaded: list[Plugin]
    registry: RuleRegistry = field(default_factory=RuleRegistry)
    _calls: dict[str, Calls] = field(default_factory=dict)

    def calls(self, hook: str) -> Calls:
        """Implementations of a hook as (plugin name, callable), in the YAML's order."""
        found = self._calls.get(hook)
        if found is None:
            name = _PREFIX + hook
            found = tuple((p.name, hookspecs.direct(getattr(p.obj, name))) for p in self.loaded if hook in p.hooks)
            if hook in COLD_HOOKS and calltrace.wanted():
                found = tuple((plugin, calltrace.traced(plugin, name, call)) for plugin, call in found)
            self._calls[hook] = found
        return found

    def provides(self) -> frozenset[str]:
        """Capabilities of all plugins together."""
        return frozenset(capability for p in self.loaded for capability in p.provides)

    @cached_property
    def detectors(self) -> Detectors:
        """Plugins with ``detect``, in order."""
        found = []
        for p in self.loaded:
            if "detect" not in p.hooks:
                continue
            found.append(
                Detector(
                    p.name,
                    hookspecs.direct(p.obj.pywall_detect),
                    _transports(p.obj),
                    tuple(getattr(p.obj, "protocols", (p.name,))),
                    getattr(p.obj, "first_client", None),
                    getattr(p.obj, "first_server", None),
                    hookspecs.direct(p.obj.pywall_transactions) if "transactions" in p.hooks else None,
                )
            )
        return Detectors(found)

    def classifiers(self) -> list[Classifier]:
        """Plugins with ``classify``, in order."""
        return [
            Classifier(p.name, p.obj.pywall_classify, tuple(getattr(p.obj, "facts", ())))
            for p in self.loaded
            if "classify" in p.hooks
        ]

    def protocols(self) -> frozenset[str]:
        """Every name that ``app_proto`` may take with these plugins."""
        return frozenset(name for d in self.detectors.all for name in d.protocols) | ALWAYS_KNOWN


def entry_points() -> list[importlib.metadata.EntryPoint]:
    """Entry points of the group, read fresh. Raises PluginError when two distributions claim one name."""
    found = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda e: e.name)
    by_name: dict[str, importlib.metadata.EntryPoint] = {}
    errors = []
    unique = []
    for point in found:
        other = by_name.get(point.name)
        if other is None:
            by_name[point.name] = point
            unique.append(point)
        elif _distribution(other) != _distribution(point) or other.value != point.value:
            errors.append(
                f"plugin name {point.name!r} is claimed by two distributions: "
                f"{_distribution(other)[0]} and {_distribution(point)[0]}; uninstall one"
            )
    if errors:
        raise PluginError(errors)
    return unique


def discover() -> list[Listed]:
    """All installed plugins, none of them imported."""
    return [Listed(e.name, *_distribution(e), e.value) for e in entry_points()]


def load(config: Config) -> Plugins:
    """Import, check and register the plugins that the configuration names.

    What is wrong with the configuration (unknown name, wrong options, missing capability) is noted in it, so that it
    comes together with what is wrong in the rules: ``bind_chains`` raises it, or ``config.check()``. Raises PluginError
    (import, API version, unsafe file, misspelt hook).
    """
    points = {e.name: e for e in entry_points()}
    named = [(place, entry) for place, entry in enumerate(config.plugins) if entry.name]
    for place, entry in named:
        if entry.name not in points:
            known = some_of(entry.name, points) or "none"
            config.error(
                ("plugins", place),
                f"no plugin {entry.name!r} is installed{nearest(entry.name, points)} (there are: {known})",
            )
    named = [(place, entry) for place, entry in named if entry.name in points]
    errors: list[str] = []
    for _, entry in named:
        errors += unsafe_files(points[entry.name])
    if errors:
        raise PluginError(dict.fromkeys(errors))

    imported = _import([points[entry.name] for _, entry in named])
    loaded: list[Plugin] = []
    for place, entry in named:
        distribution, version = _distribution(points[entry.name])
        obj = _instantiate(config, place, entry, imported[entry.name])
        if obj is None:
            continue
        inside = obj.plugins() if hasattr(obj, "plugins") else []
        for name, inner in inside:
            loaded.append(_checked(place, name, inner, distribution, version))
        if not inside or _hooks(obj):
            loaded.append(_checked(place, entry.name, obj, distribution, version))
    return _assembled(config, loaded)


def assemble(config: Config, objects: Iterable[tuple[str, Any]]) -> Plugins:
    """The same for plugin objects that are at hand, in order: for tests, and programs that embed the engine.

    Notes errors and raises PluginError as :func:`load` does.
    """
    return _assembled(config, [_checked(place, name, obj, "", "") for place, (name, obj) in enumerate(objects)])


def _assembled(config: Config, loaded: list[Plugin]) -> Plugins:
    _check_twice(config, loaded)
    loaded = list({plugin.name: plugin for plugin in loaded}.values())
    if not any(problem.path.startswith("plugins") for problem in config.problems):
        _check_needs(config, loaded)
    return _register(loaded)


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
        paths = [Path(place), Path(place).parent]
        if Path(place).is_dir():
            paths += [path for path in Path(place).rglob("*") if path.suffix in (".py", ".so")]
        for path in paths:
            try:
                found = path.stat()
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


def _import(points: list[importlib.metadata.EntryPoint]) -> dict[str, Any]:
    """Import the named entry points through stevedore, in order."""
    ExtensionManager.ENTRY_POINT_CACHE[GROUP] = list(points)
    errors: list[str] = []

    def failed(_manager: object, point: Any, error: BaseException) -> None:
        errors.append(f"plugin {point.name!r} can't be imported: {type(error).__name__}: {error}")

    names = [point.name for point in points]
    try:
        manager: NamedExtensionManager[Any] = NamedExtensionManager(
            GROUP,
            names,
            invoke_on_load=False,
            name_order=True,
            on_load_failure_callback=failed,
            on_missing_entrypoints_callback=lambda missing: None,  # a failed import is reported there too
        )
        found = {extension.name: extension.plugin for extension in manager}
    except AssertionError as error:  # stevedore re-raises this one
        raise PluginError([f"a plugin can't be imported: AssertionError: {error}"]) from error
    if errors:
        raise PluginError(dict.fromkeys(errors))
    return found


def _instantiate(config: Config, place: int, entry: PluginEntry, obj: Any) -> Any:
    model: type[BaseModel] | None = getattr(obj, "Options", None)
    if model is None:
        if entry.options:
            config.error(("plugins", place, entry.name), f"plugin {entry.name!r} takes no options")
        return obj() if isinstance(obj, type) else obj
    options = config.validate_part(model, entry.options, ("plugins", place, entry.name))
    return None if options is None else obj(options)


def _hooks(obj: Any) -> tuple[str, ...]:
    names = (n for n in dir(obj) if n.startswith(_PREFIX) and hasattr(getattr(obj, n), "pywall_impl"))
    return tuple(n.removeprefix(_PREFIX) for n in names)


def _checked(place: int, name: str, obj: Any, distribution: str, version: str) -> Plugin:
    wanted = getattr(obj, "api_version", API_VERSION)
    if wanted != API_VERSION:
        raise PluginError([f"plugin {name!r} was written for API {wanted}, this is API {API_VERSION}"])
    return Plugin(name, obj, distribution, version, _hooks(obj), tuple(getattr(obj, "provides", ())), place)


def _check_twice(config: Config, loaded: list[Plugin]) -> None:
    seen: set[str] = set()
    for plugin in loaded:
        if plugin.name in seen:
            config.error(("plugins", plugin.place), f"plugin {plugin.name!r} is loaded twice (a bundle brings it too?)")
        seen.add(plugin.name)


def _check_needs(config: Config, loaded: list[Plugin]) -> None:
    """A plugin may demand capabilities and an order; the administrator's list is never changed."""
    provided = {capability for p in loaded for capability in p.provides}
    order = {p.name: i for i, p in enumerate(loaded)}
    for i, plugin in enumerate(loaded):
        for capability in getattr(plugin.obj, "requires", ()):
            if capability not in provided:
                words = f"{plugin.name!r} requires a plugin that provides {capability!r}"
                config.error(("plugins", plugin.place), words)
        for other in getattr(plugin.obj, "after", ()):
            if order.get(other, -1) > i:
                config.error(("plugins", plugin.place), f"{plugin.name!r} must stand after {other!r}")
    over_tcp = [p for p in loaded if "detect" in p.hooks and "tcp" in _transports(p.obj)]
    if over_tcp and "segment" not in provided:
        config.error(
            ("plugins", over_tcp[0].place),
            f"{over_tcp[0].name!r} detects over TCP and needs a plugin that provides 'segment': add `- stream`",
        )


def _transports(obj: Any) -> tuple[str, ...]:
    transport = getattr(obj, "transport", ("tcp", "udp"))
    return (transport,) if isinstance(transport, str) else tuple(transport)


def _register(loaded: list[Plugin]) -> Plugins:
    manager = pluggy.PluginManager("pywall")
    manager.add_hookspecs(hookspecs)
    for plugin in reversed(loaded):  # pluggy calls the last registered first
        try:
            manager.register(plugin.obj, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError([f"plugin {plugin.name!r}: {error}"]) from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        word = next((word for word in str(error).replace("'", " ").split() if word.startswith(_PREFIX)), "")
        raise PluginError([f"{error}{nearest(word, dir(hookspecs))}"]) from error
    plugins = Plugins(manager, loaded)
    for name, rules in plugins.calls("rules"):
        plugins.registry.registering = name
        try:
            rules(register=plugins.registry)
        except ValueError as error:
            raise PluginError([str(error)]) from error
    return plugins


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    dist = point.dist
    return ("?", "?") if dist is None else (dist.name, dist.version)
