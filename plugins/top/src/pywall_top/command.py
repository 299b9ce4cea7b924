"""``pywall top``."""

from __future__ import annotations

import argparse
import sys


def command(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = (
        "A live view of the firewall that runs in this network namespace: flows, rules, protocols, hosts, sets, "
        "health. Keys: 1 to 6 choose a tab, arrows a line, Enter shows a flow's walk, / filters, s sorts, b blocks "
        "the chosen host for an hour (set `blocked`), a allows it (set `allowed`), p pauses, q ends."
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Run until q is pressed."""
    from .app import TopApp
    from .source import RunningFirewall

    if not sys.stdout.isatty():
        print("top: needs a terminal; `pywall status`, `flows` and `stats` print once", file=sys.stderr)
        return 2
    firewall = RunningFirewall()
    answer = firewall.ask("status")
    if not answer.get("ok"):
        print(f"top: {answer.get('error')}", file=sys.stderr)
        return 1
    TopApp(firewall).run()
    return 0
