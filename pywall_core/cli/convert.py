"""``pywall convert``: rules of iptables-save, ufw and nft, and files of the first PyWall (2015, 2021), as YAML.

Each language has a module: :mod:`~pywall_core.cli.convert_iptables`, :mod:`~pywall_core.cli.convert_nft` and
:mod:`~pywall_core.cli.convert_ancestors`.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path as FilePath
from typing import Any

from .common import CONFIGURATION, OK, add_json, complain, print_json


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "convert",
        help="turn rules of iptables, ufw or nftables, or a JSON configuration of the first PyWall, into YAML",
        description="Turn the output of iptables-save, ufw's user.rules, rules of nftables (nft -j list ruleset, or "
        "nftables.conf where nft is installed), or a JSON configuration of the first PyWall (2015, 2021) into YAML on "
        "standard output. What has no equal is said on standard error, a line each.",
    )
    parser.add_argument("file", help="output of iptables-save or nft, user.rules, nftables.conf, or JSON")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..config.foreign_file import file_form
    from . import convert_ancestors, convert_iptables, convert_nft

    text = ""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = FilePath(args.file).read_text(encoding="utf-8")
    converted = None
    if convert_iptables.looks_like_iptables(text):
        with contextlib.suppress(ValueError):
            converted = convert_iptables.convert(text)
    elif convert_nft.looks_like_nft(text):
        try:
            converted = convert_nft.convert(text)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            complain(f"{args.file}: no ruleset of nftables: {error}")
            return CONFIGURATION
    if converted is not None:
        print_json(converted.data) if args.json else print(to_yaml(converted.data, args.file), end="")
        for note in converted.notes:
            complain(f"{args.file}: {note}")
        return OK
    if form := "" if text.lstrip().startswith("{") else file_form(text):
        complain(f"{args.file}:1:1: {form}")
        return CONFIGURATION
    converter = convert_ancestors.Converter(args.file)
    data = converter.convert()
    if args.json:
        print_json(data)
    else:
        print(to_yaml(data, args.file), end="")
    for note in converter.notes:
        complain(f"{args.file}: {note}")
    return OK


def to_yaml(data: dict[str, Any], source: str) -> str:
    """Return the configuration as a person would write it: one rule a line."""
    import yaml

    def flow(value: Any) -> str:
        text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
        return text.removesuffix("\n").removesuffix("\n...")

    lines = [f"# converted from {FilePath(source).name}", "version: 1"]
    lines += [f"{key}: {flow(data[key])}" for key in ("queue", "plugins") if key in data]
    if "sets" in data:
        lines += ["sets:", *(f"  {flow(name)}: {flow(section)}" for name, section in data["sets"].items())]
    lines.append("chains:")
    for name, rules in data["chains"].items():
        lines.append(f"  {flow(name)}:" if rules else f"  {flow(name)}: []")
        lines += [f"    - {flow(rule)}" for rule in rules]
    lines.append(f"default: {flow(data['default'])}")
    return "\n".join(lines) + "\n"
