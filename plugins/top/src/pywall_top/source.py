"""What the running firewall says, as tables: pure functions over its answers, and the requests themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pywall_core.client import NotRunningError, ask_firewall, sum_stats

Json = dict[str, Any]
Row = tuple[str, ...]


class Firewall(Protocol):
    """Who answers requests; tests have one without a firewall."""

    def ask(self, command: str, **parameters: Any) -> Json:
        """Return the answer; ``ok`` is False and ``error`` says why when there is none."""


class RunningFirewall:
    """The firewall of this network namespace, over its control socket."""

    def ask(self, command: str, **parameters: Any) -> Json:
        """Return the answer; ``ok`` is False and ``error`` says why when there is none."""
        try:
            return ask_firewall({"command": command, **parameters})
        except NotRunningError as error:
            return {"ok": False, "error": str(error)}


@dataclass(slots=True)
class Snapshot:
    """All that one refresh asked for. ``error``: why there is nothing."""

    error: str = ""
    status: Json = field(default_factory=dict)
    stats: Json = field(default_factory=dict)
    flows: list[Json] = field(default_factory=list)


def look(firewall: Firewall, sort: str, expression: str, limit: int = 500) -> Snapshot:
    """Ask for everything that is shown."""
    status = firewall.ask("status")
    if not status.get("ok"):
        return Snapshot(error=str(status.get("error", "no answer")))
    stats = firewall.ask("stats")
    flows = firewall.ask("flows", sort=sort, filter=expression, limit=limit)
    error = "" if flows.get("ok") else str(flows.get("error", ""))
    return Snapshot(error, status, sum_stats(stats.get("stats", [])), flows.get("flows", []))


def end(address: str, port: int | None) -> str:
    """``192.0.2.1:443``, ``[2001:db8::1]:443``"""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def size(number: float) -> str:
    """``1536`` as ``1.5K``."""
    for unit in ("", "K", "M", "G"):
        if number < 1024:
            return f"{number:.0f}" if not unit else f"{number:.1f}{unit}"
        number /= 1024
    return f"{number:.1f}T"


def flow_row(entry: Json) -> Row:
    """Return one line of the tab Flows."""
    verdict = entry.get("verdict") or ""
    if verdict and not entry.get("final"):
        verdict = f"{verdict}?"
    return (
        end(entry["src_ip"], entry["src_port"]),
        end(entry["dest_ip"], entry["dest_port"]),
        entry["proto"],
        entry.get("app_proto") or "...",
        size(entry["bytes_toserver"] + entry["bytes_toclient"]),
        f"{entry['age']:.0f}",
        verdict,
        entry.get("rule_name") or entry.get("rule") or "",
    )


def rule_rows(stats: Json, before: Mapping[str, int], seconds: float) -> tuple[list[Row], dict[str, int]]:
    """Lines of the tab Rules with packets a second since ``before``, and the counts for the next time."""
    packets: dict[str, int] = {}
    rows: list[Row] = []
    for decision in stats.get("decisions", []):
        key = f"{decision['chain']} {decision['rule']} {decision['action']}"
        packets[key] = packets.get(key, 0) + decision["packets"]
    hits = stats.get("rules", {})
    for key, n in sorted(packets.items(), key=lambda entry: -entry[1]):
        chain, rule, action = key.split(" ")[0], " ".join(key.split(" ")[1:-1]), key.split(" ")[-1]
        rate = max(0.0, (n - before.get(key, n)) / seconds) if seconds > 0 else 0.0
        rows.append((rule or "no rule", chain, action, str(n), f"{rate:.0f}", str(hits.get(rule, ""))))
    return rows, packets


def protocol_rows(flows: Iterable[Json]) -> list[Row]:
    """Lines of the tab Protocols: flows and bytes now."""
    return _grouped(flows, lambda entry: [entry.get("app_proto") or "not known yet"])


def host_rows(flows: Iterable[Json]) -> list[Row]:
    """Lines of the tab Hosts: flows and bytes now, by address of either end."""
    return _grouped(flows, lambda entry: [entry["src_ip"], entry["dest_ip"]])


def _grouped(flows: Iterable[Json], keys: Callable[[Json], list[str]]) -> list[Row]:
    found: dict[str, list[int]] = {}
    for entry in flows:
        for key in dict.fromkeys(keys(entry)):
            counts = found.setdefault(key, [0, 0, 0])
            counts[0] += 1
            counts[1] += entry["bytes_toserver"] + entry["bytes_toclient"]
            counts[2] += entry.get("verdict") not in (None, "accept")
    ordered = sorted(found.items(), key=lambda group: -group[1][1])
    return [(key, str(n), size(volume), str(dropped)) for key, (n, volume, dropped) in ordered]


def set_rows(stats: Json) -> list[Row]:
    """Lines of the tab Sets."""
    return [(name, str(one.get("type")), str(one.get("entries"))) for name, one in stats.get("sets", {}).items()]


def health_rows(snapshot: Snapshot) -> list[Row]:
    """Lines of the tab Health: workers, queues, losses."""
    status, stats = snapshot.status, snapshot.stats
    rows: list[Row] = [
        ("policy", f"{status.get('policy')}, mode {status.get('mode')}"),
        ("hooks", " ".join(status.get("hooks", []))),
    ]
    rows += [(f"worker {w['pid']}", f"queue {w['queue']}, age {w['age']:.0f} s") for w in status.get("workers", [])]
    for number, queue in status.get("queues", {}).items():
        if isinstance(queue, dict) and "waiting" in queue:
            rows.append((f"queue {number}", f"{queue['waiting']} wait, {queue['packets']} came"))
    rows += [(f"lost: {cause}", str(n)) for cause, n in (status.get("queues", {}).get("lost") or {}).items() if n]
    rows += [(f"failure policy: {cause}", str(n)) for cause, n in stats.get("losses", {}).items()]
    return rows


def story(entry: Json) -> str:
    """Return a flow as text: what is known, and the walk that its next packet would take."""
    lines = [
        f"{end(entry['src_ip'], entry['src_port'])} -> {end(entry['dest_ip'], entry['dest_port'])} {entry['proto']}",
        f"protocol {entry.get('app_proto') or 'not known yet'}, confirmed {entry.get('confirmed')}",
        f"state {entry['state']}",
        f"verdict {entry.get('verdict')}{' (final)' if entry.get('final') else ''} by "
        f"{entry.get('rule_name') or entry.get('rule')} ({entry.get('decided_by')})",
        f"reason: {entry.get('reason')}",
    ]
    pending = entry.get("detectors_pending") or []
    if pending:
        lines.append(f"detectors that wait: {', '.join(pending[:8])}{' ...' if len(pending) > 8 else ''}")
    lines += [f"{name} = {value}" for name, value in (entry.get("facts") or {}).items()]
    for direction in entry.get("directions", []):
        lines.append("")
        lines.append(f"next packet {direction.get('direction', '')} at {direction.get('hook', '')}:")
        for walked in direction.get("walk", []):
            named = walked.get("name") or walked["rule"]
            lines.append(f"  {walked['answer']:<7} {named}: {walked['action']} ({walked['where']})")
    return "\n".join(lines)
