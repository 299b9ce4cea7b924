"""``pywall why``: why a flow was treated as it was, and the one line that would let it pass."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any

from .common import FAILURE, OK, USAGE, add_json, complain, error_text, print_json, printable, read_lines
from .live import Json, Refused, question


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "why",
        help="why a flow was dropped, and the line that would let it pass",
        description="Print what was decided about a flow, on what evidence, and the rule that would let it pass. "
        "Without FILE the running firewall is asked; with it, the events in these EVE files.",
    )
    parser.add_argument(
        "flow", metavar="FLOW", help="the number of the flow: flow_id of an event, or of `pywall flows`"
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="files of EVE events; - is the standard input")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer; exit code 1 when nothing is known of the flow."""
    if not args.flow.isdecimal():
        complain(f"why: {args.flow!r} is not a number of a flow; use flow_id of an event or column 1 of pywall flows")
        return USAGE
    number = int(args.flow)
    try:
        found = from_events(read_lines(args.files), number) if args.files else from_firewall(number)
    except (OSError, Refused) as error:
        complain(
            f"why: {error_text(error)}"
            + ("" if args.files else "; for a flow that has ended, name the file of the events")
        )
        return FAILURE
    if found is None:
        complain(f"why: no event of flow {number} in {', '.join(args.files)}")
        return FAILURE
    print_json(found) if args.json else print("\n".join(printable(line) for line in text_lines(found)))
    return OK


def from_firewall(number: int) -> Json:
    """Return the answer for a flow in the running firewall's table. Raises Refused where there is none."""
    flow = question("flow", flow_id=number)["flow"]
    walk = [step for way in flow["directions"] for step in way["walk"]]
    return _answer(
        flow,
        action=flow["verdict"] or "none",
        final=flow["final"],
        rule=flow["rule"],
        reason=flow["reason"],
        where=flow["decided_by"],
        confirmed=flow["confirmed"],
        facts=flow["facts"],
        walk=[f"{step['answer']:<7} {step['rule']} {step['action']} ({step['where']})" for step in walk],
    )


def from_events(lines: Iterable[str], number: int) -> Json | None:
    """Return the answer for a flow from its events, the last of type ``flow`` or else ``drop``; None without one."""
    best: Json | None = None
    for line in lines:
        if f'"flow_id":{number}' not in line.replace(" ", ""):
            continue
        event = json.loads(line)
        if event.get("flow_id") != number:
            continue  # a longer number that begins alike
        kind = event.get("event_type")
        if kind == "flow" or (kind == "drop" and (best is None or best["event_type"] == "drop")):
            best = event
    if best is None:
        return None
    details: Json = best.get("pywall", {})
    from ..events.fields import own_facts

    facts = own_facts(best)
    return _answer(
        best,
        action=best.get("verdict", {}).get("action", "none"),
        final=bool(details.get("final")),
        rule=details.get("rule", ""),
        reason=details.get("reason", ""),
        where=details.get("rule", ""),
        confirmed=not details.get("guessed", False),
        facts=facts,
        walk=[],
    )


def _answer(flow: Json, **more: Any) -> Json:
    app = flow.get("app_proto") or "unknown"
    named = app not in ("unknown", "none", "failed")
    ends = {key: flow.get(key) for key in ("src_ip", "src_port", "dest_ip", "dest_port", "proto")}
    found: Json = {"flow_id": flow["flow_id"], **ends, "app_proto": app, **more}
    found["way_back"] = way_back(found, named) if more["action"] != "accept" else []
    return found


def way_back(found: Json, named: bool) -> list[str]:
    """Return rules, each one line of YAML, that would let the flow pass; the narrowest first."""
    server = f"server: '{found['dest_ip']}'"
    port = f", port: {found['dest_port']}" if found.get("dest_port") else ""
    rules = [f"- {{rule: flow, {server}{port}, action: ACCEPT}}"]
    if named:
        rules.append(f"- {{rule: app, is: {found['app_proto']}, action: ACCEPT}}")
    return rules


def text_lines(found: Json) -> Iterator[str]:
    """Yield the answer as lines of text."""
    name = found["app_proto"] + (
        "" if found["confirmed"] or found["app_proto"] in ("unknown", "none") else " (a guess)"
    )
    source, target = _end(found, "src"), _end(found, "dest")
    yield f"flow {found['flow_id']}: {source} -> {target} {found['proto']}, {name}"
    decided = found["where"] or found["rule"] or "no rule"
    yield f"  {found['action']}{'' if found['final'] else ' so far'}, decided by {decided}: {found['reason']}"
    for fact, value in sorted(found["facts"].items()):
        yield f"  evidence: {fact} = {value}"
    for step in found["walk"]:
        yield f"  {step}"
    if found["way_back"]:
        chains = "FORWARD" if found["rule"].startswith("FORWARD") else "INPUT and OUTPUT"
        yield f"To let it pass, put one of these lines first in {chains}, then `pywall reload`:"
        yield from (f"    {rule}" for rule in found["way_back"])


def _end(found: Json, side: str) -> str:
    address, port = found[f"{side}_ip"], found[f"{side}_port"]
    if not port:
        return str(address)
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"
