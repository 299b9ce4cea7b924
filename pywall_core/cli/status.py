"""``pywall status``: how the running firewall is, on one screen."""

from __future__ import annotations

import argparse

from .common import add_json, print_table
from .live import Json, add_watch, question, show, together


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "status",
        help="how the running firewall is: policy, workers, queues, losses",
        description="Ask the firewall that runs in this network namespace: its policy and generation, its workers, "
        "what waits and what was lost in the queues, what was not treated as the rules say, quarantined plugins.",
    )
    add_watch(parser)
    add_json(parser)
    parser.set_defaults(run=lambda args: show(args, look, tell))


def look() -> Json:
    status = question("status")
    stats = together(question("stats")["stats"])
    return {
        **status,
        "packets": stats["packets"],
        "bytes": stats["bytes"],
        "verdicts": stats["verdicts"],
        "flows": stats["flows"],
        "losses": stats["losses"],
        "quarantined": sorted(name for name, of in stats["failures"].items() if of["quarantined"]),
    }


def tell(found: Json) -> None:
    """For a reader."""
    queues = dict(found["queues"])
    lost = queues.pop("lost")
    flows = found["flows"]
    workers = (f"{w['pid']} (queue {w['queue']}, {_time(w['age'])})" for w in found["workers"])
    lines: list[tuple[str, object]] = [
        ("policy", f"{found['policy']}, mode {found['mode']}, generation {found['generation']}"),
        ("running", f"{_time(found['uptime'])}, process {found['pid']}, hooks {' '.join(found['hooks'])}"),
        ("workers", ", ".join(workers)),
        ("replaced", f"{found['restarts']} workers; rules put back {found['rules_restored']} times"),
        ("judged", f"{found['packets']} packets, {found['bytes']} octets: {_counts(found['verdicts'])}"),
        ("flows", f"{flows['active']} now: {_counts(flows['by_state'])}"),
        ("recognised", _counts(flows["by_app_proto"])),
    ]
    lines += [(f"queue {number}", f"{of['waiting']} wait, {of['packets']} came") for number, of in queues.items()]
    lines += [
        ("lost", _counts({cause: n for cause, n in lost.items() if n})),
        ("not by the rules", _counts(found["losses"])),
        ("quarantined", ", ".join(found["quarantined"]) or "none"),
    ]
    print_table(["", ""], lines)


def _counts(counts: Json) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items(), key=lambda item: -item[1])) or "none"


def _time(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
