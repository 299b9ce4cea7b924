"""``pywall stats``: the counters of the running firewall, by rule, flow, plugin and cause."""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from typing import Any

from ..event_lines import rule_label
from ..model.stats import sum_stats
from .common import add_json, print_table
from .live import Json, add_watch, question, show


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "stats",
        help="counters of the running firewall: rules, flows, plugins, failures",
        description="Counters of the firewall that runs in this network namespace, all workers together: packets by "
        "the rule that decided and each rule's hits, flows by state and protocol, time and errors of plugins, losses.",
    )
    add_watch(parser)
    add_json(parser)
    parser.set_defaults(run=lambda args: show(args, fetch, render))


def fetch() -> Json:
    return {"ok": True, "stats": sum_stats(question("stats")["stats"])}


def render(answer: Json) -> None:
    """For a reader."""
    stats = answer["stats"]
    hits, names, last = stats["rules"], stats["rule_names"], stats["rule_last"]

    def label(rule: str) -> str:
        named = names.get(rule, {"name": "", "at": ""})
        return rule_label(rule or "(no rule)", named["name"], named["at"])

    decided = sorted((row for row in stats["decisions"] if not row["pending"]), key=lambda row: -row["packets"])
    _table(
        ["rule", "chain", "verdict", "packets", "hits", "last hit"],
        [
            (label(d["rule"]), d["chain"], d["action"], d["packets"], hits.get(d["rule"], ""), ago(last.get(d["rule"])))
            for d in decided
        ],
    )
    waiting: dict[tuple[str, str], int] = {}
    for row in stats["decisions"]:
        if row["pending"]:
            waiting[row["chain"], row["action"]] = waiting.get((row["chain"], row["action"]), 0) + row["packets"]
    _table(
        ["while facts were pending", "verdict", "packets"],
        [(chain, action, packets) for (chain, action), packets in sorted(waiting.items())],
    )
    deciders = {row["rule"] for row in decided}
    _table(
        ["rules without packets of their own", "hits", "last hit"],
        [(label(rule), n, ago(last.get(rule))) for rule, n in hits.items() if rule not in deciders],
    )
    flows = stats["flows"]
    for what, key in (("state", "by_state"), ("protocol", "by_proto"), ("detected as", "by_app_proto")):
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
    _table(["not handled by the rules", "number"], sorted(stats["losses"].items()))
    latency = stats.get("latency", {})
    if latency.get("sampled"):
        mean = latency["sum"] / latency["sampled"] * 1_000_000
        print(f"a verdict takes {mean:.0f} microseconds (mean of {latency['sampled']} packets, one in 64)")


def ago(unix: float | None) -> str:
    """Return how long ago a time was: ``3 s ago``, ``2:05:00 ago``; empty for none."""
    if unix is None:
        return ""
    seconds = max(0, int(time.time() - unix))
    return f"{seconds} s ago" if seconds < 120 else f"{timedelta(seconds=seconds)} ago"


def _table(headers: list[str], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        print_table(headers, rows)
        print()
