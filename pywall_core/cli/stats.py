"""``pywall stats``: the counters of the running firewall, by rule, flow, plugin and cause."""

from __future__ import annotations

import argparse
from typing import Any

from .common import add_json, print_table
from .live import Json, add_watch, question, show, together


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "stats",
        help="counters of the running firewall: rules, flows, plugins, failures",
        description="Counters of the firewall that runs in this network namespace, all workers together: packets by "
        "the rule that decided and each rule's hits, flows by state and protocol, time and errors of plugins, losses.",
    )
    add_watch(parser)
    add_json(parser)
    parser.set_defaults(run=lambda args: show(args, look, tell))


def look() -> Json:
    return {"ok": True, "stats": together(question("stats")["stats"])}


def tell(found: Json) -> None:
    """For a reader."""
    stats = found["stats"]
    decisions = sorted(stats["decisions"], key=lambda row: -row["packets"])
    hits = stats["rules"]
    _table(
        ["rule", "chain", "verdict", "packets", "hits"],
        [(d["rule"] or "(no rule)", d["chain"], d["action"], d["packets"], hits.get(d["rule"], "")) for d in decisions],
    )
    deciders = {row["rule"] for row in decisions}
    _table(["rules without packets of their own", "hits"], [(r, n) for r, n in hits.items() if r not in deciders])
    flows = stats["flows"]
    for what, key in (("state", "by_state"), ("protocol", "by_proto"), ("recognised as", "by_app_proto")):
        _table([what, "flows"], sorted(flows[key].items(), key=lambda item: -item[1]))
    seconds, failures = stats.get("seconds", {}), stats["failures"]
    names = sorted({*seconds, *failures}, key=lambda name: -seconds.get(name, 0.0))
    _table(
        ["plugin", "seconds", "errors", "state", "last error"],
        [
            (
                name,
                f"{seconds.get(name, 0.0):.3f}",
                failures.get(name, {}).get("errors", 0),
                "quarantined" if failures.get(name, {}).get("quarantined") else "",
                failures.get(name, {}).get("last", ""),
            )
            for name in names
        ],
    )
    _table(["not treated as the rules say", "number"], sorted(stats["losses"].items()))
    latency = stats.get("latency", {})
    if latency.get("sampled"):
        mean = latency["sum"] / latency["sampled"] * 1_000_000
        print(f"a verdict takes {mean:.0f} microseconds (mean of {latency['sampled']} packets, one in 64)")


def _table(headers: list[str], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        print_table(headers, rows)
        print()
