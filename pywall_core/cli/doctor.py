"""``pywall doctor``: what is missing on this machine, and the command that installs it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from .common import FAILURE, OK, add_json, print_json, print_table


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="say what this machine lacks to run the firewall",
        description="Look whether this machine can run the firewall, and name the command that brings what is missing.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..kernel.checks import checks

    found = list(checks())
    missing = [check for check in found if check.ok is False]
    if args.json:
        print_json({"ok": not missing, "checks": [asdict(check) for check in found]})
    else:
        labels = {True: "ok", False: "PROBLEM", None: "?"}
        print_table(["what", "", "found"], [(check.name, labels[check.ok], check.found) for check in found])
        for check in found:
            if check.remedy and check.ok is not True:
                print(f"{check.name}: {check.remedy}")
    return FAILURE if missing else OK
