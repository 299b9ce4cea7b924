"""``pywall plugins``: what is installed, what the configuration loads, in which order."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scaffold import KINDS
from . import plugin_score
from .common import (
    CONFIGURATION,
    FAILURE,
    OK,
    PLUGIN,
    USAGE,
    add_config,
    add_json,
    complain,
    print_json,
    print_table,
    warn,
)

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins.discovery import Listed
    from ..plugins.plugin import Plugin


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
    checking = actions.add_parser(
        "check",
        help="hold a plugin to the contracts of its hooks",
        description="Hold an installed plugin to the contracts of its hooks: a detector's answers however bytes are "
        "cut, a rule's scope, no exception on any input. Exit code 4 when one is broken. Needs hypothesis.",
    )
    checking.add_argument("name", help="entry-point name; a bundle stands for all that it brings")
    checking.add_argument(
        "--examples", metavar="N", type=int, default=30, help="inputs for each property (%(default)s)"
    )
    add_config(checking)
    add_json(checking)
    checking.set_defaults(run=run_check)
    plugin_score.add(actions)
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
    from .details import details, homepage, print_details

    rows, loaded, errors, code = _listing(load(args.config))
    row = next((row for row in rows if row.name == args.name), None)
    inside = next((plugin for plugin in loaded if plugin.name == args.name), None)
    if row is None:
        complain(f"no plugin {args.name!r} is installed{nearest(args.name, [row.name for row in rows])}")
        return PLUGIN
    shown: dict[str, Any] = asdict(row)
    shown["homepage"] = homepage(row.distribution)
    if row.state == "loaded":
        parts = [plugin for plugin in loaded if plugin.place + 1 == row.position]
        shown["contains"] = [plugin.name for plugin in parts if plugin.name != row.name]
    if inside is not None:
        shown.update(details(inside))
    if args.json:
        print_json(shown)
    else:
        print_details(shown)
        if row.state == "installed":
            print(
                "\nIt is not named in the configuration, and so it was not imported. "
                "To see its facts, rules and options, name a policy that uses it: --config FILE."
            )
    for line in errors:
        complain(line)
    return code


def run_check(args: argparse.Namespace) -> int:
    from ..config import load, nearest
    from ..config.model import PluginEntry
    from ..plugins.discovery import discover
    from ..plugins.loader import load as load_plugins
    from ..testing.conformance import examine

    installed = [row.name for row in discover()]
    if args.name not in installed:
        complain(f"no plugin {args.name!r} is installed{nearest(args.name, installed)}")
        return PLUGIN
    config = load(args.config, strict=False)
    plugins = load_plugins(config)
    if args.name not in [entry.name for entry in config.plugins] + [plugin.name for plugin in plugins.loaded]:
        config.plugins.append(PluginEntry.model_validate(args.name))
        plugins = load_plugins(config)
    config.check()
    results = []
    try:
        for result in examine(args.name, config, plugins, examples=args.examples):
            results.append(result)
            if not args.json:
                state = "-- " if not result.tried else "NO " if result.problem else "ok "
                print(f"{state} {result.plugin}: {result.what}" + (f"\n    {result.problem}" if result.problem else ""))
    except ImportError as error:
        complain(f"{error.name} is missing: pip install hypothesis")
        return FAILURE
    broken = sum(result.tried and bool(result.problem) for result in results)
    if args.json:
        print_json({"broken": broken, "results": [asdict(result) for result in results]})
    else:
        print(f"{sum(result.tried for result in results)} tried, {broken} broken")
    return PLUGIN if broken else OK


def _listing(config: Config) -> tuple[list[Listed], list[Plugin], list[str], int]:
    """Lines of the listing, loaded plugins, errors, exit code. What the configuration leaves out is not imported."""
    from ..api import API_VERSION
    from ..config import ConfigError
    from ..plugins.discovery import PluginError, discover
    from ..plugins.loader import load

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
