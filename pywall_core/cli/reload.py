"""``pywall reload``: have the running firewall read its configuration again, and say how that went."""

from __future__ import annotations

import argparse

from .common import CONFIGURATION, FAILURE, OK, add_json, complain, print_json
from .number_args import seconds


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "reload",
        help="have the running firewall read its configuration again",
        description="Reload the configuration of the firewall in this network namespace. A wrong one changes nothing. "
        "What is known of open sessions is handed over: those that the new policy accepts go on.",
    )
    parser.add_argument(
        "--confirm",
        type=seconds,
        metavar="SECONDS",
        help="return to the policy before, unless 'pywall confirm' follows within so many seconds",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..daemon.control import NotRunningError, ask
    from ..kernel.rundir import RunDir

    try:
        request = {"command": "reload", **({} if args.confirm is None else {"confirm": args.confirm})}
        answer = ask(RunDir().socket, request, timeout=60.0)
        code = OK if answer.get("ok") else CONFIGURATION
    except NotRunningError as error:
        answer, code = {"ok": False, "error": str(error)}, FAILURE
    if args.json:
        print_json(answer)
    elif code:
        complain(str(answer.get("error", "reload failed")))
    elif args.confirm is not None:
        print(f"reloaded; 'pywall confirm' within {args.confirm:g} s keeps it")
    else:
        print(f"reloaded: {answer.get('plan', '')}; open connections that the new policy accepts go on")
    return code
