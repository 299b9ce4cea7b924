"""Arguments of the commands that read captures: counts, ``--local`` and ``--hook``."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import complain

if TYPE_CHECKING:
    from ..offline.replay import Hooks


def count(text: str) -> int:
    """Return a number from 0, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return number


def positive(text: str) -> int:
    """Return a number from 1, for argparse."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds above 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: write 5")
    return number


def add_hooks(parser: argparse.ArgumentParser) -> None:
    """``--local`` and ``--hook``: by which netfilter hook packets come."""
    parser.add_argument(
        "--local",
        action="append",
        type=network,
        default=[],
        metavar="CIDR",
        help="our side: packets to it count as INPUT, from it as OUTPUT, others as FORWARD; may be given again",
    )
    parser.add_argument("--hook", choices=("INPUT", "OUTPUT", "FORWARD"), help="all packets count as this hook's")


def network(text: str) -> Any:
    """Return an IP network, for argparse."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def make_hooks(args: argparse.Namespace) -> Hooks:
    """Return what ``--local`` and ``--hook`` say."""
    from ..model.packet import HOOK_NAMES
    from ..offline.replay import Hooks

    by_name = {name: number for number, name in HOOK_NAMES.items()}
    return Hooks(args.local, by_name[args.hook] if args.hook else None)


def found_captures(words: list[str]) -> list[str]:
    """Return the captures that the arguments name; a folder or pattern without one is said on standard error."""
    from ..offline.replay import captures

    found = []
    for word in words:
        here = captures([word])
        if not here:
            what = "no captures below (names such as x.pcap, x.pcapng.gz)" if Path(word).is_dir() else "no file matches"
            complain(f"{word}: {what}")
        found += here
    return found
