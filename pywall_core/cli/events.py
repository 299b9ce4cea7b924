"""``pywall events``: what the firewall did, a line each; with ``--follow`` as it happens."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from .common import FAILURE, OK, USAGE, add_json, complain, error_text, read_lines
from .live import Refused, question

if TYPE_CHECKING:
    from ..model.flow import Flow

Event = dict[str, Any]
#: seconds between two looks at a file that is followed
_PAUSE = 0.2


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "events",
        help="drops, alerts and other events, a line each; --follow: as they happen",
        description="Print EVE events, a line each. Without FILE those of the running firewall, from the file that its "
        "policy names under `events:`.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="files of EVE events; - is the standard input")
    parser.add_argument("-f", "--follow", action="store_true", help="begin at the end of the file and wait for more")
    parser.add_argument("--type", metavar="TYPE,...", default="", help="only these event types: drop, alert, flow ...")
    parser.add_argument("--filter", metavar="EXPR", default="", help="only these flows, as in `pywall flows --filter`")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print; exit code 1 when there is nothing to read from."""
    from ..event_lines import NOT_SHOWN, event_line
    from ..events.as_flow import EventFlow
    from ..flows.filter import FilterError, parse

    try:
        chosen = parse(args.filter, {}) if args.filter else None
    except FilterError as error:
        complain(f"--filter: {error}")
        return USAGE
    types = frozenset(args.type.split(",")) if args.type else None
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    number = 0
    try:
        files = args.files or [_file_of_the_firewall()]
        for line in _lines(files, follow=args.follow):
            number += 1
            event = json.loads(line)
            kind = event["event_type"]
            if (kind not in types) if types is not None else kind in NOT_SHOWN:
                continue
            if chosen is not None and not ("src_ip" in event and chosen(cast("Flow", EventFlow(event)))):
                continue
            print(line.rstrip("\n") if args.json else event_line(event, colour=colour), flush=args.follow)
    except BrokenPipeError:
        raise
    except (OSError, Refused) as error:
        complain(f"events: {error_text(error)}")
        return FAILURE
    except (ValueError, KeyError, TypeError):
        complain(f"events: line {number} is not an EVE event")
        return FAILURE
    return OK


def _file_of_the_firewall() -> str:
    """Raises Refused where no firewall runs, or its policy names no file."""
    from ..config import ConfigError, load

    policy = question("status")["policy"]
    try:
        file = load(policy, strict=False).events.file
    except ConfigError:
        file = None
    if file is None:
        raise Refused(
            f"{policy} names no file for events; add `events: {{file: /var/log/pywall/eve.json}}`, or name one"
        )
    return file


def _lines(files: list[str], *, follow: bool) -> Iterator[str]:
    """Whole lines. A file that is followed may be replaced by a new one of its name, as logrotate does."""
    if follow and files != ["-"]:
        yield from _followed(Path(files[-1]))
    else:
        yield from read_lines(files)


def _followed(path: Path) -> Iterator[str]:
    file: TextIO = path.open(encoding="utf-8")
    file.seek(0, os.SEEK_END)
    rest = ""
    try:
        while True:
            rest += file.readline()
            if rest.endswith("\n"):
                yield rest
                rest = ""
                continue
            if _was_replaced(file, path):
                file.close()
                file = path.open(encoding="utf-8")
                rest = ""
            time.sleep(_PAUSE)
    finally:
        file.close()


def _was_replaced(file: TextIO, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        there, ours = path.stat(), os.fstat(file.fileno())
        return there.st_ino != ours.st_ino or there.st_size < file.tell()
    return False
