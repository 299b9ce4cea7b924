"""``pywall demo``: the firewall on real traffic, for a first look."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .common import FAILURE, OK, add_json, complain, print_json, print_table


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="show the firewall at work on real traffic",
        description="Two throw-away network namespaces, a real firewall on a real NFQUEUE, real clients and servers; "
        "where namespaces are not permitted, a recorded capture is replayed instead.",
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..demo.show import DemoError, acts

    told = []
    try:
        for words, transfers, flows in acts():
            told.append({"policy": words, "transfers": transfers, "flows": flows})
            if not args.json:
                print(f"\n{words}\n")
                print_table(HEADERS, [_row(transfer, flows) for transfer in transfers])
                sys.stdout.flush()
    except DemoError as error:
        complain(f"demo: {error}")
        if "start" in str(error):
            return FAILURE
        complain("demo: replaying a recorded capture instead")
        return _replay(args.json)
    if args.json:
        print_json(told)
    return OK


HEADERS = ("transfer", "port", "recognised as", "packets", "octets", "verdict", "by rule", "the client got")


def _row(transfer: dict[str, Any], flows: list[dict[str, Any]]) -> tuple[object, ...]:
    got = f"{transfer['octets']} octets" if "octets" in transfer else f"nothing ({transfer['error']})"
    mine = [flow for flow in flows if flow["dest_port"] == transfer["port"]]
    wanted = 6 if "IPv6" in transfer["what"] else 4
    mine = [flow for flow in mine if (":" in flow["dest_ip"]) == (wanted == 6)]
    if not mine:
        return (transfer["what"], transfer["port"], "(not seen)", "", "", "", "", got)
    flow = mine[0]
    counts = flow["flow"]
    pywall = flow["pywall"]
    return (
        transfer["what"],
        transfer["port"],
        recognised(flow),
        counts["pkts_toserver"] + counts["pkts_toclient"],
        counts["bytes_toserver"] + counts["bytes_toclient"],
        flow["verdict"]["action"],
        pywall["rule"],
        got,
    )


def recognised(flow: dict[str, Any]) -> str:
    """The protocol, or for an unknown one what its payload looks like."""
    facts = flow["pywall"].get("facts", {})
    payload = facts.get("payload_class")
    return f"{flow['app_proto']}, {payload}" if payload else str(flow["app_proto"])


def _replay(as_json: bool) -> int:
    from ..demo.show import recorded
    from . import main

    return main(["replay", *(["--json"] if as_json else []), str(recorded())])
