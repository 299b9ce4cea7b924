"""``pywall cleanup``: take out what a killed run left in the kernel."""

from __future__ import annotations

import argparse

from .common import FAILURE, OK, PRIVILEGES, add_json, complain, print_json


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "cleanup",
        help="remove rules that a killed run left",
        description="Remove PyWall's chains, tables made for them, and marks of connections. Refused while it runs.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..kernel import privileges
    from ..kernel.command import CommandError
    from ..kernel.firewall import Firewall
    from ..kernel.iptables import wanted_variant
    from ..kernel.rundir import InUseError, RunDir

    if not privileges.has(privileges.CAP_NET_ADMIN):
        complain("pywall cleanup needs root (CAP_NET_ADMIN)")
        return PRIVILEGES
    rundir = RunDir()
    try:
        rundir.acquire()
        removed = Firewall(rundir, wanted_variant()).clean_up()
    except (InUseError, CommandError) as error:
        complain(f"pywall: {error}")
        return FAILURE
    finally:
        rundir.release()
    if args.json:
        print_json({"removed": removed})
    else:
        print("removed what a former run left" if removed else "nothing to remove")
    return OK
