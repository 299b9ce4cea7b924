"""``pywall rules``: the rule kinds that a policy can use, with their parameters."""

from __future__ import annotations

import argparse
import inspect
from typing import TYPE_CHECKING, Any

from .common import CONFIGURATION, OK, PLUGIN, add_config, add_json, complain, print_json, print_table

if TYPE_CHECKING:
    from ..model.rule_kind import RuleKind


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "rules",
        help="rule kinds and their parameters",
        description="The rule kinds of the plugins that the configuration names, with their parameters.",
    )
    parser.add_argument("kind", nargs="?", help="only this one, with its manual")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..config import load, nearest
    from ..plugins.discovery import PluginError
    from ..plugins.loader import load as load_plugins

    config = load(args.config)
    registry = load_plugins(config).registry
    config.check()
    names = sorted(registry.kinds)
    if args.kind is not None:
        if args.kind not in names:
            complain(f"no rule kind {args.kind!r}{nearest(args.kind, names)} (known: {', '.join(names)})")
            return CONFIGURATION
        names = [args.kind]
    kinds: dict[str, type[RuleKind]] = {}
    broken: dict[str, str] = {}
    for name in names:
        try:
            kinds[name] = registry.kinds[name]
        except PluginError as error:
            broken[name] = str(error)
    if args.json:
        described = {name: _described(kind, registry.owner[name]) for name, kind in kinds.items()}
        print_json({**described, **{name: {"plugin": registry.owner[name], "error": broken[name]} for name in broken}})
    else:
        _print(args.kind, kinds, registry.owner)
    for text in broken.values():
        complain(text)
    return PLUGIN if broken else OK


def _print(only: str | None, kinds: dict[str, type[RuleKind]], owner: dict[str, str]) -> None:
    if only is None:
        print_table(
            ["kind", "plugin", "what it is", "parameters"],
            [
                (name, owner[name], _first_sentence(kind), ", ".join(row[0] for row in _parameters(kind)))
                for name, kind in kinds.items()
            ],
        )
        print("\npywall rules KIND prints a kind's manual.")
    elif only in kinds:
        kind = kinds[only]
        print(f"{only} (plugin {owner[only]}, scope {kind.scope}, remembers: {kind.state})\n")
        print(_manual(kind), end="\n\n")
        print_table(["parameter", "required", "default", "what it is"], _parameters(kind))


def _described(kind: type[RuleKind], plugin: str) -> dict[str, Any]:
    from ..config.schema import kind_schema

    return {
        "plugin": plugin,
        "scope": kind.scope,
        "state": kind.state,
        "requires": list(kind.requires),
        "decides": kind.decides,
        "manual": _manual(kind),
        "schema": kind_schema(kind),
    }


def _manual(kind: type[RuleKind]) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def _first_sentence(kind: type[RuleKind]) -> str:
    return " ".join(_manual(kind).split()).partition(". ")[0].partition(": ")[0].rstrip(".")


def _parameters(kind: type[RuleKind]) -> list[tuple[str, str, str, str]]:
    return [
        (
            field.alias or name,
            "yes" if field.is_required() else "",
            "" if field.is_required() or field.default is None else str(field.default),
            field.description or "",
        )
        for name, field in kind.model_fields.items()
    ]
