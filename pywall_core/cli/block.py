"""``pywall block``, ``allow`` and ``unblock``: short commands for the policy's sets ``blocked`` and ``allowed``."""

from __future__ import annotations

import argparse
import re
from typing import Final

from .common import FAILURE, OK, complain
from .set_change import add_duration, ask_firewall, change

#: sets by command: for addresses and networks, and for names
SETS: Final = {"block": ("blocked", "blocked-names"), "allow": ("allowed", "allowed-names")}


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``pywall block``"""
    parser = subparsers.add_parser(
        "block",
        help="block addresses, networks or names, for a time or for good",
        description="Add to the policy's set `blocked` (addresses, networks) or `blocked-names` (names with all below "
        "them). Connections that were accepted before are ended too. A policy without these sets says what to add.",
    )
    _add_things(parser, "block")


def add_allow(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``pywall allow``"""
    parser = subparsers.add_parser(
        "allow",
        help="allow addresses, networks or names, for a time or for good",
        description="Add to the policy's set `allowed` (addresses, networks) or `allowed-names`.",
    )
    _add_things(parser, "allow")


def add_unblock(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``pywall unblock``"""
    parser = subparsers.add_parser(
        "unblock", help="take back a block", description="Take entries out of `blocked` and `blocked-names`."
    )
    parser.add_argument("things", nargs="+", metavar="ADDRESS|NETWORK|NAME", help="what it is about")
    parser.set_defaults(run=lambda args: _each("delete", "block", args.things, None))


def _add_things(parser: argparse.ArgumentParser, command: str) -> None:
    parser.add_argument("things", nargs="+", metavar="ADDRESS|NETWORK|NAME", help="what it is about")
    add_duration(parser)
    parser.set_defaults(run=lambda args: _each("add", command, args.things, args.seconds))


def _each(operation: str, command: str, things: list[str], seconds: float | None) -> int:
    for_addresses, for_names = SETS[command]
    code = OK
    for thing in things:
        name = for_addresses if re.fullmatch(r"[0-9a-fA-F:.]+(/\d+)?", thing) else for_names
        stats = ask_firewall({"command": "stats"})
        if stats is None:
            return FAILURE
        if not any(name in worker.get("sets", {}) for worker in stats["stats"]):
            complain(f"{command}: the policy has no set {name!r}: {_remedy(command, name)}")
            code = FAILURE
            continue
        code = change(operation, name, [thing], seconds) or code
    return code


def _remedy(command: str, name: str) -> str:
    action = "DROP" if command == "block" else "ACCEPT"
    if name.endswith("-names"):
        rule = f"{{rule: domain, is: '@{name}', action: {action}}}"
        return f"add 'sets: {{{name}: {{type: names}}}}' and {rule}"
    return f"add 'sets: {{{name}: {{type: addresses}}}}' and {{rule: ip, src: '@{name}', action: {action}}}"
