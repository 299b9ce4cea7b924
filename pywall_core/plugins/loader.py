"""Loading: plugins that the configuration names are imported, checked, ordered and registered.

stevedore loads; what it must not do for a root process is kept from it: its on-disk cache (seeded with entry points
read fresh, so the file is never opened), and silent shadowing of one name by two distributions (refused before).
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import BaseModel
from stevedore import ExtensionManager, NamedExtensionManager

from .. import hookspecs
from ..api import API_VERSION
from ..config.errors import nearest, some_of
from .discovery import GROUP, PluginError, distribution_of, entry_points
from .plugin import Plugin
from .registry import PREFIX, Plugins, transports_of
from .safety import unsafe_files

if TYPE_CHECKING:
    from ..config import Config
    from ..config.model import PluginEntry


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
                f"no plugin {entry.name!r} is installed{_form(entry.name, points)} (there are: {known})",
            )
    first: dict[str, int] = {}
    for place, entry in named:
        if first.setdefault(entry.name, place) != place:
            config.error(("plugins", place), f"duplicate plugin {entry.name!r}; leave one out")
    named = [(place, entry) for place, entry in named if entry.name in points and first[entry.name] == place]
    errors: list[str] = []
    for _, entry in named:
        errors += unsafe_files(points[entry.name])
    if errors:
        raise PluginError(dict.fromkeys(errors))

    imported = _import([points[entry.name] for _, entry in named])
    loaded: list[Plugin] = []
    for place, entry in named:
        distribution, version = distribution_of(points[entry.name])
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
    """Return the same for plugin objects that are at hand, in order: for tests, and programs that embed the engine.

    Notes errors and raises PluginError as :func:`load` does.
    """
    return _assembled(config, [_checked(place, name, obj, "", "") for place, (name, obj) in enumerate(objects)])


def _assembled(config: Config, loaded: list[Plugin]) -> Plugins:
    _check_twice(config, loaded)
    loaded = list({plugin.name: plugin for plugin in loaded}.values())
    if not any(problem.path.startswith("plugins") for problem in config.problems):
        _check_needs(config, loaded)
    return _register(loaded)


def _form(name: str, points: Collection[str]) -> str:
    """Return what is written instead of a name that no plugin has, or what is near it."""
    several = [part for part in re.split(r"[\s,]+", name) if part]
    if len(several) > 1:
        return f": write a list, [{', '.join(several)}]"
    if "/" in name or name.endswith(".py"):
        return ": a plugin is named as its entry point, once its package is installed; pywall plugins new writes one"
    if name in ("sets", "set"):
        return ": named sets need no plugin"
    return nearest(name.lower().removeprefix("pywall-").removeprefix("pywall_"), points)


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
    names = (n for n in dir(obj) if n.startswith(PREFIX) and hasattr(getattr(obj, n), "pywall_impl"))
    return tuple(n.removeprefix(PREFIX) for n in names)


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
                message = f"{plugin.name!r} requires a plugin that provides {capability!r}"
                config.error(("plugins", plugin.place), message)
        for other in getattr(plugin.obj, "after", ()):
            if order.get(other, -1) > i:
                config.error(("plugins", plugin.place), f"{plugin.name!r} must be listed after {other!r}")
    over_tcp = [p for p in loaded if "detect" in p.hooks and "tcp" in transports_of(p.obj)]
    if over_tcp and "segment" not in provided:
        config.error(
            ("plugins", over_tcp[0].place),
            f"{over_tcp[0].name!r} detects over TCP and needs a plugin that provides 'segment': add `- stream`",
        )


class _Manager(pluggy.PluginManager):
    """Looks for hooks among the names that hooks have, not among all that a module imports."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if name.startswith(PREFIX) else None


def _register(loaded: list[Plugin]) -> Plugins:
    manager = _Manager("pywall")
    manager.add_hookspecs(hookspecs)
    for plugin in reversed(loaded):  # pluggy calls the last registered first
        try:
            manager.register(plugin.obj, plugin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError([f"plugin {plugin.name!r}: {error}"]) from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        word = next((word for word in str(error).replace("'", " ").split() if word.startswith(PREFIX)), "")
        raise PluginError([f"{error}{nearest(word, dir(hookspecs))}"]) from error
    plugins = Plugins(manager, loaded)
    for name, rules in plugins.calls("rules"):
        plugins.registry.registering = name
        try:
            rules(register=plugins.registry)
        except ValueError as error:
            raise PluginError([str(error)]) from error
        except Exception as error:
            raise PluginError([f"plugin {name!r}: pywall_rules: {type(error).__name__}: {error}"]) from error
    return plugins
