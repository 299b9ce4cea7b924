"""``pywall flows``: the flow table of the running firewall, and all about one flow."""

from __future__ import annotations

import argparse
from typing import Any

from ..event_lines import end, rule_label
from .common import USAGE, add_json, complain, name_text, print_table, printable
from .labels import block, fits, width
from .live import Json, add_watch, question, show
from .number_args import positive


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "flows",
        help="flows of the running firewall, and why one is treated as it is",
        description="The flow table of the firewall that runs in this network namespace. `pywall flows show ID` tells "
        "all about one flow: what was learnt, and the walk through the rules as its next packets would take it.",
    )
    parser.add_argument("what", nargs="*", metavar="show ID", help="one flow, by the number in the first column")
    parser.add_argument("--limit", type=positive, default=100, help="flows at most, 1 to 1000 (default 100)")
    parser.add_argument("--sort", choices=sorted(_SORTS), default="", help="the greatest first; recent: the last seen")
    parser.add_argument(
        "--filter",
        metavar="EXPR",
        default="",
        help="only these, e.g. 'dst port 443', 'app tls and net 192.0.2.0/24', 'verdict drop and age <60', "
        "'rule \"SSH from the LAN\"', 'set blocked', 'sni *.example.com', 'state new'",
    )
    add_watch(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..flows.filter import FilterError, parse

    if args.what:
        if len(args.what) != 2 or args.what[0] != "show" or not args.what[1].isdecimal():
            complain("flows: write pywall flows show ID, with the number in column 1 of pywall flows")
            return USAGE
        number = int(args.what[1])
        return show(args, lambda: question("flow", flow_id=number), _tell_flow)
    try:
        if args.filter:
            parse(args.filter)
    except FilterError as error:
        complain(f"--filter: {error}")
        return USAGE
    return show(args, lambda: _flows(args), _tell_flows)


def _flows(args: argparse.Namespace) -> Json:
    """Each worker has sorted its own flows: sorted and cut once more."""
    answer = question("flows", limit=args.limit, sort=args.sort, filter=args.filter)
    key = _SORTS.get(args.sort)
    flows = sorted(answer["flows"], key=key, reverse=True) if key else answer["flows"]
    return {"ok": True, "flows": flows[: args.limit]}


_SORTS: dict[str, Any] = {
    "bytes": lambda flow: flow["bytes_toserver"] + flow["bytes_toclient"],
    "packets": lambda flow: flow["pkts_toserver"] + flow["pkts_toclient"],
    "age": lambda flow: flow["age"],
    "recent": lambda flow: -flow["idle"],
}


_HEAD = ["flow", "proto", "source", "destination", "app", "state", "packets", "bytes", "age", "verdict", "rule"]


def _tell_flows(found: Json) -> None:
    rows = [
        [
            str(flow["flow_id"]),
            flow["proto"],
            end(flow, "src"),
            end(flow, "dest"),
            name_text(flow["app_proto"], flow["payload"]),
            flow["state"],
            f"{flow['pkts_toserver']}/{flow['pkts_toclient']}",
            f"{flow['bytes_toserver']}/{flow['bytes_toclient']}",
            f"{flow['age']:.0f}",
            _verdict(flow),
            rule_label(flow["rule"], flow["rule_name"], flow["rule_at"]),
        ]
        for flow in found["flows"]
    ]
    columns = width()
    if columns is None or fits([_HEAD, *rows], columns):
        print_table(_HEAD, rows)
        return
    for number, proto, source, target, app, state, packets, size, age, verdict, rule in rows:
        rest = f"{app}, {state}, {packets} packets, {size} bytes, {age} s, {verdict}: {rule}"
        lines = block([number, proto, source, f"-> {target}"], rest, columns)
        print("\n".join(printable(line) for line in lines))


def _tell_flow(found: Json) -> None:
    flow = found["flow"]
    name = name_text(flow["app_proto"], flow["payload"])
    lines = [
        f"flow {flow['flow_id']}: {end(flow, 'src')} -> {end(flow, 'dest')} {flow['proto']}, "
        f"{name}{'' if flow['settled'] else ' (not settled)'}",
        f"  {flow['state']} for {flow['age']:.0f} s, last packet {flow['idle']:.0f} s ago, "
        f"{flow['pkts_toserver']}/{flow['pkts_toclient']} packets, "
        f"{flow['bytes_toserver']}/{flow['bytes_toclient']} bytes",
        f"  {_verdict(flow)}, decided by {flow['rule_name'] or flow['rule'] or flow['reason']} ({flow['decided_by']})",
    ]
    if flow["detectors_pending"]:
        lines.append(f"  not answered yet: {', '.join(flow['detectors_pending'])}")
    lines += [f"  so far: {fact} = {value}" for fact, value in flow["payload"].items() if fact not in flow["facts"]]
    lines += [f"  known: {fact} = {value}" for fact, value in sorted(flow["facts"].items())]
    for way in flow["directions"]:
        lines.append(f"  next packet {way['direction']}, {way['hook']}: {way['verdict'].upper()} by {way['where']}")
        lines.append(f"    {way['why']}")
        for step in way["walk"]:
            left = f", possible: {' or '.join(step['outcomes'])}" if step["outcomes"] else ""
            # a firewall that an older version started names no rules
            named = f"{step['rule']} {step.get('name', '')}".rstrip()
            lines.append(f"    {step['answer']:<7} {named}: {step['action']} ({step['where']}){left}")
    print("\n".join(printable(line) for line in lines))


def _verdict(flow: Json) -> str:
    """Return the verdict; ``pending`` where facts that the rules ask are still missing."""
    so_far = "" if flow["final"] else ", pending" if flow["pending"] else " so far"
    return f"{flow['verdict'] or 'none'}{so_far}"
