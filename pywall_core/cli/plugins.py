"""``pywall plugins``: what is installed, what the configuration loads, in which order."""

from __future__ import annotations

import argparse
import inspect
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scaffold import KINDS
from .common import CONFIGURATION, OK, PLUGIN, USAGE, add_config, add_json, complain, print_json, print_table, warn

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins import Listed, Plugin


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("plugins", help="list and show plugins", description="Installed and loaded plugins.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser(
        "list",
        help="all installed plugins; those that the configuration names first, in its order",
        description="All installed plugins. Only those that the configuration names are imported.",
    )
    add_config(listing)
    add_json(listing)
    listing.set_defaults(run=run_list)
    showing = actions.add_parser("show", help="one plugin: options, hooks, rule kinds", description="One plugin.")
    showing.add_argument("name", help="entry-point name")
    add_config(showing)
    add_json(showing)
    showing.set_defaults(run=run_show)
    making = actions.add_parser(
        "new",
        help="write a plugin to begin with",
        description="Write a complete distribution: a module of some 25 lines, tests that pass, packaging, CI.",
    )
    making.add_argument("name", help="lower-case words joined by '-'; the distribution is pywall-NAME")
    making.add_argument("--kind", choices=KINDS, default="detector", help="what the plugin is (%(default)s)")
    making.add_argument("--dir", metavar="FOLDER", default=".", help="folder to write it in (%(default)s)")
    making.set_defaults(run=run_new)


def run_list(args: argparse.Namespace) -> int:
    from ..config import load

    config = load(args.config)
    rows, _, errors, code = _listing(config)
    if args.json:
        print_json({"plugins": [asdict(row) for row in rows], "errors": errors})
        return code
    warn(config)
    print_table(
        ["#", "name", "distribution", "version", "api", "state", "hooks"],
        [
            (
                row.position or "",
                row.name,
                row.distribution,
                row.version,
                row.api or "",
                row.state,
                ", ".join(row.hooks),
            )
            for row in rows
        ],
    )
    for line in errors:
        complain(line)
    return code


def run_new(args: argparse.Namespace) -> int:
    from ..scaffold import ScaffoldError, write

    try:
        folder = write(args.name, args.kind, Path(args.dir))
    except ScaffoldError as error:
        complain(str(error))
        return USAGE
    print(f"{folder}: now\n  cd {folder}\n  pip install -e '.[test]'\n  pytest\n  pywall --plugins list")
    return OK


def run_show(args: argparse.Namespace) -> int:
    from ..config import load, nearest

    rows, loaded, errors, code = _listing(load(args.config))
    row = next((row for row in rows if row.name == args.name), None)
    inside = next((plugin for plugin in loaded if plugin.name == args.name), None)
    if row is None:
        complain(f"no plugin {args.name!r} is installed{nearest(args.name, [row.name for row in rows])}")
        return PLUGIN
    shown: dict[str, Any] = asdict(row)
    if row.state == "loaded":
        parts = [plugin for plugin in loaded if plugin.place + 1 == row.position]
        shown["contains"] = [plugin.name for plugin in parts if plugin.name != row.name]
    if inside is not None:
        shown.update(_details(inside))
    if args.json:
        print_json(shown)
    else:
        for key, value in shown.items():
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
            print(f"{key:13} {text}" if key != "options" else "options")
            for name, words in value.items() if key == "options" else ():
                print(f"  {name:18} {words}")
        if row.state == "installed":
            print("\nIt is not named in the configuration, and so it was not imported.")
    for line in errors:
        complain(line)
    return code


def _details(plugin: Plugin) -> dict[str, Any]:
    """What a loaded plugin says about itself."""
    options = getattr(plugin.obj, "Options", None)
    return {
        "provides": list(plugin.provides),
        "requires": list(getattr(plugin.obj, "requires", ())),
        "after": list(getattr(plugin.obj, "after", ())),
        "protocols": list(getattr(plugin.obj, "protocols", ())),
        "about": (inspect.getdoc(plugin.obj) or "").partition("\n")[0],
        "options": {}
        if options is None
        else {field.alias or name: field.description or "" for name, field in options.model_fields.items()},
    }


def _listing(config: Config) -> tuple[list[Listed], list[Plugin], list[str], int]:
    """Lines of the listing, loaded plugins, errors, exit code. What the configuration leaves out is not imported."""
    from ..api import API_VERSION
    from ..config import ConfigError
    from ..plugins import PluginError, discover, load

    rows = discover()
    positions = {entry.name: at for at, entry in enumerate(config.plugins, 1)}
    loaded: list[Plugin] = []
    errors: list[str] = []
    code = OK
    try:
        loaded = load(config).loaded
        config.check()
    except (ConfigError, PluginError) as error:
        errors = str(error).splitlines()
        code = CONFIGURATION if isinstance(error, ConfigError) else PLUGIN
    order = {plugin.name: at for at, plugin in enumerate(loaded)}
    for row in rows:
        row.position = positions.get(row.name, 0)
        parts = [plugin for plugin in loaded if plugin.place + 1 == row.position]
        if row.name in order and not parts:
            parts = [loaded[order[row.name]]]
            row.position = parts[0].place + 1
            row.state = f"loaded by {config.plugins[parts[0].place].name}"
        elif row.position:
            row.error = next((line for line in errors if repr(row.name) in line), "")
            row.state = "loaded" if parts else "error" if row.error else "not loaded"
        row.hooks = tuple(dict.fromkeys(hook for plugin in parts for hook in plugin.hooks))
        row.api = getattr(parts[0].obj, "api_version", API_VERSION) if parts else None
    rows.sort(
        key=lambda row: (not row.position, row.position, row.name not in positions, order.get(row.name, 0), row.name)
    )
    return rows, loaded, errors, code
