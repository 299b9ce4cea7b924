"""``pywall demo``: the firewall on real traffic, for a first look."""

from __future__ import annotations

import argparse
import io
import sys
from typing import Any

from .common import FAILURE, OK, add_json, complain, event_name, print_json, print_table


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="show the firewall at work on real traffic",
        description="Two throw-away network namespaces, a real firewall on a real NFQUEUE, real clients and servers; "
        "where namespaces are not permitted, a recorded capture is replayed instead.",
    )
    parser.add_argument("--svg", metavar="FILE", help="also write what is shown to a picture (needs rich)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..demo.show import DemoError, acts
    from ..testing.netns import LabError

    results = []
    try:
        for title, transfers, flows in acts():
            results.append({"policy": title, "transfers": transfers, "flows": flows})
            if not args.json:
                print(f"\n{title}\n")
                print_table(HEADERS, [_row(transfer, flows) for transfer in transfers])
                sys.stdout.flush()
    except LabError as error:
        complain(f"demo: {error}; replaying a recorded capture of the same traffic instead")
        return _replay(args.json)
    except DemoError as error:
        complain(f"demo: {error}")
        return FAILURE
    if args.json:
        print_json(results)
    if args.svg:
        _picture(args.svg, results)
    return OK


_COLOURS = {"accept": "bold green", "drop": "bold red", "reject": "bold red"}
HEADERS = ("transfer", "port", "detected as", "verdict", "by rule", "the client got")
#: columns of the picture: readable at the width that code hosts give a README
WIDTH = 102


def _row(transfer: dict[str, Any], flows: list[dict[str, Any]]) -> tuple[object, ...]:
    got = f"{transfer['bytes']:,} of {transfer['expected']:,} bytes"
    mine = [flow for flow in flows if flow["dest_port"] == transfer["port"]]
    wanted = 6 if "IPv6" in transfer["what"] else 4
    mine = [flow for flow in mine if (":" in flow["dest_ip"]) == (wanted == 6)]
    if not mine:
        return (transfer["what"], transfer["port"], "(not seen)", "", "", got)
    flow = mine[0]
    return (
        transfer["what"],
        transfer["port"],
        detected(flow),
        flow["verdict"]["action"],
        flow["pywall"]["rule"],
        got,
    )


def _picture(path: str, results: list[dict[str, Any]]) -> None:
    """The tables as a terminal shows them, as SVG."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor")
    console.print("[bold]$ make demo[/bold]")
    for act in results:
        console.print(f"\n{act['policy']}\n", style="cyan")
        table = Table(*HEADERS, box=box.SIMPLE_HEAD, pad_edge=False)
        for transfer in act["transfers"]:
            cells = [Text(str(cell)) for cell in _row(transfer, act["flows"])]
            cells[HEADERS.index("verdict")].stylize(_COLOURS.get(cells[HEADERS.index("verdict")].plain, ""))
            table.add_row(*cells)
        console.print(table)
    console.save_svg(path, title="make demo")


def detected(flow: dict[str, Any]) -> str:
    """Return the protocol, or for an unknown one what its payload looks like."""
    return event_name(flow)


def _replay(as_json: bool) -> int:
    from ..demo.show import recorded
    from . import main

    return main(["replay", *(["--json"] if as_json else []), str(recorded())])
