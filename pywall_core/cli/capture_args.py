"""Arguments of the commands that read captures: ``--local`` and ``--hook``, and the files."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import complain

if TYPE_CHECKING:
    from ..offline.replay import Hooks


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
