"""``pywall status``: how the running firewall is, on one screen."""

from __future__ import annotations

import argparse

from ..model.stats import sum_stats
from .common import add_json, print_table
from .live import Json, add_watch, question, show


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "status",
        help="how the running firewall is: policy, workers, queues, losses",
        description="Ask the firewall that runs in this network namespace: its policy and generation, its workers, "
        "what waits and what was lost in the queues, what was not handled by the rules, quarantined plugins.",
    )
    add_watch(parser)
    add_json(parser)
    parser.set_defaults(run=lambda args: show(args, fetch, render))


def fetch() -> Json:
    status = question("status")
    stats = sum_stats(question("stats")["stats"])
    return {
        **status,
        "packets": stats["packets"],
        "bytes": stats["bytes"],
        "verdicts": stats["verdicts"],
        "flows": stats["flows"],
        "losses": stats["losses"],
        "quarantined": sorted(name for name, of in stats["failures"].items() if of["quarantined"]),
    }


def render(answer: Json) -> None:
    """For a reader."""
    queues = dict(answer["queues"])
    lost = queues.pop("lost")
    flows = answer["flows"]
    workers = (f"{w['pid']} (queue {w['queue']}, {_time(w['age'])})" for w in answer["workers"])
    lines: list[tuple[str, object]] = [
        ("policy", f"{answer['policy']}, mode {answer['mode']}, generation {answer['generation']}"),
        ("running", f"{_time(answer['uptime'])}, process {answer['pid']}, hooks {' '.join(answer['hooks'])}"),
        ("workers", ", ".join(workers)),
        ("replaced", f"{answer['restarts']} workers; rules put back {answer['rules_restored']} times"),
        ("verdicts", f"{answer['packets']} packets, {answer['bytes']} bytes: {_counts(answer['verdicts'])}"),
        ("flows", f"{flows['active']} now: {_counts(flows['by_state'])}"),
        ("detected", _counts(flows["by_app_proto"])),
    ]
    lines += [(f"queue {number}", f"{of['waiting']} wait, {of['packets']} came") for number, of in queues.items()]
    lines += [
        ("lost", _counts({cause: n for cause, n in lost.items() if n})),
        ("not by the rules", _counts(answer["losses"])),
        ("quarantined", ", ".join(answer["quarantined"]) or "none"),
    ]
    print_table(["", ""], lines)


def _counts(counts: Json) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: -item[1])) or "none"


def _time(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
