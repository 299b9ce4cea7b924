"""``pywall check``: is the configuration good, and what does it come to?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from .common import CONFIGURATION, OK, PLUGIN, add_config, add_json, complain, prepare, print_json, print_table, warn

if TYPE_CHECKING:
    from ..config import BoundRule, Config, Failure
    from ..plugins.registry import Plugins

#: the failure matrix in words: what happens -> what becomes of traffic
CAUSES: Final = {
    "no_listener": "no firewall process listens (killed, crashed, not started)",
    "queue_full": "the kernel's queue is full",
    "plugin_error": "a plugin raises, or is quarantined",
    "undecodable": "headers cannot be read",
    "stream": "a TCP stream cannot be put in order",
    "table_full": "the flow table has no room",
    "truncated": "less of a packet arrived than its header says",
    "ambiguous": "servers differ in what they read",
    "midstream": "a TCP connection's start was not seen",
}
OUTCOMES: Final = {
    "drop": "packets are dropped",
    "accept": "packets pass",
    "drop-packet": "the packet is dropped",
    "pass-packet": "the packet passes",
    "drop-flow": "the flow is dropped",
    "pass-flow": "the flow passes",
    "inspect": "it is inspected from there on",
}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "check",
        help="check a configuration and say what it comes to",
        description="Check a configuration as a start would, touching nothing, and say what it comes to.",
    )
    parser.add_argument("file", nargs="?", help="the same as --config FILE")
    add_config(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--schema", action="store_true", help="print the JSON schema, with the named plugins' rule kinds")
    what.add_argument("--fix", action="store_true", help="rewrite names that are called otherwise now, in the file")
    what.add_argument("--policies", action="store_true", help="list the ready-made policies")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..config import ConfigError, policies
    from ..lint import lint
    from ..plugins.discovery import PluginError

    if args.policies:
        if args.json:
            print_json(policies())
        else:
            print_table(["policy", "what it does"], policies().items())
        return OK
    if args.fix:
        fix(args.file or args.config)
    try:
        config, plugins, chains = prepare(args.file or args.config, sets=not args.schema)
    except (ConfigError, PluginError) as error:
        if not args.json:
            raise
        print_json({"ok": False, "errors": str(error).splitlines()})
        return CONFIGURATION if isinstance(error, ConfigError) else PLUGIN
    if args.schema:
        print_json(schema(config, plugins))
        return OK
    lint(config, plugins, chains)
    warn(config)
    open_now = _open_now(config, plugins)
    if args.json:
        print_json({"ok": True, **_summary(config, plugins, chains), "open": open_now})
    else:
        _print(config, plugins, chains)
        print("\n".join(("", *open_now)) if open_now else "", end="\n" if open_now else "")
    return OK


def schema(config: Config, plugins: Plugins) -> dict[str, Any]:
    """Return the JSON schema with the rules, facts and options of the plugins that the policy names, and the names of
    all that are installed.
    """
    from ..config.schema import json_schema
    from ..plugins.discovery import entry_points
    from ..plugins.facts import known_facts

    installed = {point.name: point for point in entry_points()}
    named = {entry.name for entry in config.plugins}
    options = {name: getattr(point.load(), "Options", None) for name, point in installed.items() if name in named}
    names = {"fact": known_facts(plugins.loaded).names, "protocol": plugins.protocols()}
    return json_schema(plugins.registry.kinds, options, names, installed)


def _open_now(config: Config, plugins: Plugins) -> list[str]:
    """What a start would do to the connections that are open; nothing where the firewall runs and knows them."""
    from ..kernel.checks import is_running
    from ..lint.older import tell_open
    from ..lint.traffic import quiet_engine

    return [] if is_running() else list(tell_open(config, quiet_engine(config, plugins)))


def fix(source: str | None) -> None:
    """Rewrite former names in the file; what else is wrong is said by the check that follows."""
    from pathlib import Path

    from ..config import ConfigError
    from ..config.renamed import fix_file

    if source is None or source.startswith("policy:"):
        return
    try:
        prepare(source)
    except ConfigError as error:
        files = {problem.file or source for problem in error.problems}
        for file in sorted(files):
            wanted = [problem for problem in error.problems if (problem.file or source) == file]
            try:
                for line in fix_file(Path(file), wanted):
                    print(line)
            except OSError as refused:
                complain(f"{file}: {refused.strerror}")


def _summary(config: Config, plugins: Plugins, chains: dict[str, list[BoundRule]]) -> dict[str, Any]:
    from ..engine.shortcuts import why_bare_acks_are_queued

    return {
        "source": config.source,
        "warnings": config.warnings,
        "plugins": [plugin.name for plugin in plugins.loaded],
        "chains": {name: [_rule(rule) for rule in rules] for name, rules in chains.items()},
        "bare_acks_queued": why_bare_acks_are_queued(config, plugins, chains) or None,
        "config": config.model_dump(mode="json", exclude={"chains", "plugins"}),
    }


def _rule(rule: BoundRule) -> dict[str, Any]:
    return {
        "place": rule.place,
        "at": rule.mark,
        "name": rule.name,
        "if": rule.text,
        "action": _action(rule),
        "observe": rule.observe,
        "comment": rule.comment,
    }


def _action(rule: BoundRule) -> str:
    from ..model.verdict import Action

    if rule.action is None:
        return "continue"
    return rule.action.name if isinstance(rule.action, Action) else f"-> {rule.action}"


def _print(config: Config, plugins: Plugins, chains: dict[str, list[BoundRule]]) -> None:
    from ..lint.hooks import chainless

    queue = config.queue
    workers = "1 worker" if queue.workers == 1 else f"{queue.workers} workers"
    print(f"{config.source}: good")
    print(f"mode {config.mode}; queue {queue.number}, {workers}, at {', '.join(queue.hooks)}", end="")
    print(" and on lo" if queue.loopback else "", end="\n\n")
    print(f"plugins, in this order: {', '.join(_named(config, plugins)) or 'none'}\n")
    rows = [
        (rule.place, rule.text, _action(rule) + (" (observed)" if rule.observe else ""), rule.name or rule.comment)
        for rules in chains.values()
        for rule in rules
    ]
    if rows:
        print_table(["rule", "if", "then", "name"], rows)
    default = ", ".join(f"{hook}: {getattr(config.default, hook)}" for hook in queue.hooks)
    print(f"end of a chain: {default}")
    for hook, action in chainless(config):
        print(f"no chain {hook}: the default {action} holds for every packet there")
    for line in _shortcuts(config, plugins, chains):
        print(line)
    print()
    _print_failures(config.failure)


def _shortcuts(config: Config, plugins: Plugins, chains: dict[str, list[BoundRule]]) -> Iterator[str]:
    """What the kernel decides without asking a worker, or why it does not."""
    from ..engine.shortcuts import why_bare_acks_are_queued

    why = why_bare_acks_are_queued(config, plugins, chains)
    yield f"bare ACKs in a connection's first packets: {f'queued, since {why}' if why else 'not queued'}"


def _named(config: Config, plugins: Plugins) -> Iterator[str]:
    """Each entry of the configuration, a bundle with the number of plugins that it brings."""
    for place, entry in enumerate(config.plugins):
        parts = sum(plugin.place == place for plugin in plugins.loaded)
        yield entry.name if parts == 1 else f"{entry.name} ({parts} plugins)"


def _print_failures(failure: Failure) -> None:
    print_table(
        ["when", "then", "failure switch"],
        [
            (cause, OUTCOMES[getattr(failure, name)], f"{name}: {getattr(failure, name)}")
            for name, cause in CAUSES.items()
        ],
    )
