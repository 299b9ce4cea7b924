"""What the commands share that ask the running firewall: the question, ``--watch``, and counters of several workers."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections.abc import Callable
from typing import Any

from .common import FAILURE, complain, print_json
from .number_args import seconds

Json = dict[str, Any]
_CLEAR = "\x1b[H\x1b[2J"


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The firewall does not run, or has no answer; the text is for the user."""


def question(command: str, **parameters: Any) -> Json:
    """Return the running firewall's answer.

    :raises Refused: there is none
    """
    from ..daemon.control import NotRunningError, ask
    from ..kernel.rundir import RunDir

    try:
        answer = ask(RunDir().socket, {"command": command, **parameters})
    except NotRunningError as error:
        raise Refused(str(error)) from None
    if not answer.get("ok"):
        raise Refused(str(answer.get("error", "the workers do not answer")))
    return answer


def add_watch(parser: argparse.ArgumentParser) -> None:
    """``--watch``"""
    parser.add_argument(
        "--watch", nargs="?", type=seconds, const=2.0, metavar="SECONDS", help="again every SECONDS (2), in place"
    )


def show(args: argparse.Namespace, fetch: Callable[[], Json], render: Callable[[Json], None]) -> int:
    """Print an answer as JSON with ``--json``, else by ``render``: once, or with ``--watch`` until Ctrl-C."""
    try:
        while True:
            answer = fetch()
            if args.watch is None:
                print_json(answer) if args.json else render(answer)
                return 0
            text = io.StringIO()
            with contextlib.redirect_stdout(text):
                print_json(answer) if args.json else render(answer)
            sys.stdout.write((_CLEAR if sys.stdout.isatty() else "") + text.getvalue())
            sys.stdout.flush()
            time.sleep(args.watch)
    except Refused as refusal:
        print_json({"ok": False, "error": str(refusal)}) if args.json else complain(str(refusal))
        return FAILURE
