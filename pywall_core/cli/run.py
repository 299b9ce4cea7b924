"""``pywall run``: the firewall, until a signal ends it."""

from __future__ import annotations

import argparse
import logging
import sys

from .common import FAILURE, add_config, add_json, complain


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "run",
        help="run the firewall on real traffic",
        description="Filter this network namespace's traffic until SIGTERM or SIGINT; SIGHUP reloads. On a terminal, "
        "drops and alerts are shown as they happen.",
    )
    add_config(parser)
    add_json(parser)
    parser.add_argument("--verbose", action="store_true", help="log more to standard error")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..daemon.log_output import log_to_stderr
    from ..daemon.supervisor import StartError, Supervisor
    from ..kernel.command import CommandError
    from ..kernel.rundir import InUseError

    level = logging.DEBUG if args.verbose else logging.INFO
    shown = "json" if args.json else "text" if sys.stdout.isatty() else ""
    log_to_stderr(level)
    try:
        return Supervisor(args.config, print_events=shown).run()
    except StartError as error:
        complain(str(error))
        return error.code
    except (CommandError, InUseError) as error:
        complain(f"pywall: {error}")
        return FAILURE
    except OSError as error:
        complain(f"pywall: {error.filename or 'cannot start'}: {error.strerror}")
        return FAILURE
