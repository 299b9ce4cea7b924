"""Changes of named sets in the running firewall, for ``pywall set``, ``block`` and ``unblock``."""

from __future__ import annotations

import argparse
from typing import Any

from .common import FAILURE, OK, complain
from .live import Refused, question

#: entries in one request to the firewall
_BATCH = 50


def add_duration(parser: argparse.ArgumentParser) -> None:
    """``--for``: a time to live."""
    parser.add_argument(
        "--for", dest="seconds", type=duration, metavar="TIME", help="time to live: 90s, 10m, 1h, 7d; else for good"
    )


def duration(text: str) -> float:
    """Return a span of time in seconds, for argparse."""
    from ..config.set_addition import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def change(operation: str, name: str, entries: list[str], seconds: float | None) -> int:
    """Add or delete entries in the running firewall; the exit code."""
    for at in range(0, len(entries), _BATCH):
        request = {"command": "set", "op": operation, "set": name, "entries": entries[at : at + _BATCH], "for": seconds}
        if ask_firewall(request) is None:
            return FAILURE
    return OK


def ask_firewall(request: dict[str, Any]) -> dict[str, Any] | None:
    """Return the running firewall's answer; None when it is an error, which is printed."""
    try:
        return question(**request)
    except Refused as refusal:
        complain(f"set: {refusal}")
        return None
