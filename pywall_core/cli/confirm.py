"""``pywall confirm``: keep the policy of ``pywall reload --confirm``."""

from __future__ import annotations

import argparse

from .common import FAILURE, OK, add_json, complain, print_json


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "confirm",
        help="keep the policy of 'pywall reload --confirm'",
        description="Keep the policy that 'pywall reload --confirm SECONDS' has put into effect.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..daemon.control import NotRunningError, ask
    from ..kernel.rundir import RunDir

    try:
        answer = ask(RunDir().socket, {"command": "confirm"})
    except NotRunningError as error:
        answer = {"ok": False, "error": str(error)}
    if args.json:
        print_json(answer)
    elif not answer.get("ok"):
        complain(str(answer.get("error")))
    else:
        print("confirmed: keeping the current policy")
    return OK if answer.get("ok") else FAILURE
