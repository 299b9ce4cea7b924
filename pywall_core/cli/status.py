"""``pywall status``: what the running firewall says of itself."""

from __future__ import annotations

import argparse
import socket

from .common import FAILURE, OK, add_json, complain, print_json, print_table


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "status",
        help="ask the running firewall how it is, or what flows it has",
        description="Ask the firewall that runs in this network namespace.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--stats", action="store_true", help="counters of the engine and the plugins (JSON)")
    what.add_argument("--flows", action="store_true", help="the flow table")
    parser.add_argument("--limit", type=int, default=100, help="flows at most, 1 to 1000 (default 100)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..control import NotRunningError, ask
    from ..kernel.rundir import RunDir

    command = "stats" if args.stats else "flows" if args.flows else "status"
    try:
        answer = ask(RunDir().socket, {"command": command, "limit": args.limit})
    except NotRunningError as error:
        if args.json:
            print_json({"ok": False, "error": str(error)})
        else:
            complain(str(error))
        return FAILURE
    if args.json or args.stats:
        print_json(answer)
    elif args.flows:
        _print_flows(answer.get("flows", []))
    else:
        print_table(["", ""], [(key, _cell(value)) for key, value in answer.items() if key != "ok"])
    return OK if answer.get("ok") else FAILURE


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_cell(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items()) or "none"
    return str(value)


def _print_flows(flows: list[dict[str, object]]) -> None:
    names = {
        value: name.removeprefix("IPPROTO_") for name, value in vars(socket).items() if name.startswith("IPPROTO_")
    }
    print_table(
        ["protocol", "source", "port", "destination", "port", "app_proto", "packets", "octets", "verdict", "rule"],
        [
            (
                names.get(flow["proto"], flow["proto"]),
                flow["src_ip"],
                flow["src_port"],
                flow["dest_ip"],
                flow["dest_port"],
                flow["app_proto"] or "pending",
                f"{flow['pkts_toserver']}/{flow['pkts_toclient']}",
                f"{flow['bytes_toserver']}/{flow['bytes_toclient']}",
                f"{flow['verdict']}{'' if flow['final'] else '?'}",
                flow["rule"],
            )
            for flow in flows
        ],
    )
