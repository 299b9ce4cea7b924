"""What a report says, from events that are read once: counts, rankings, and one compact entry a flow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .source import Event, FlowKey, flow_key

#: bins of the timeline at most
BINS: Final = 120
#: entries of a ranking
TOP: Final = 15
#: where names, fingerprints and certificates are in EVE events, and the ranking that they go to
_RANKED: Final = (
    ("Server names (SNI)", ("tls", "sni")),
    ("Server names (SNI)", ("quic", "sni")),
    ("HTTP hosts", ("http", "hostname")),
    ("DNS names", ("dns", "rrname")),
    ("User agents", ("http", "http_user_agent")),
    ("JA3 (clients)", ("tls", "ja3", "hash")),
    ("JA4 (clients)", ("tls", "ja4")),
    ("JA4 (clients)", ("quic", "ja4")),
    ("JA3S (servers)", ("tls", "ja3s", "hash")),
    ("HASSH (clients)", ("ssh", "client", "hassh", "hash")),
    ("SSH software", ("ssh", "server", "software_version")),
    ("Certificate subjects", ("tls", "subject")),
    ("Certificate issuers", ("tls", "issuerdn")),
)
_NOT_DETAILS: Final = frozenset({"flow", "stats", "alert", "drop", "anomaly"})


@dataclass(slots=True)
class RuleUse:
    """What one rule did: flows and packets by action."""

    flows: Counter[str] = field(default_factory=Counter)
    packets: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Summary:
    """All that the page shows. ``flows`` are the compact entries, ``timeline`` the start and verdict of each flow."""

    packets: int = 0
    bytes: int = 0
    alerts: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    timeline: list[tuple[float, str]] = field(default_factory=list)
    protocols: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    sources: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    destinations: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    rankings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rules: dict[str, RuleUse] = field(default_factory=lambda: defaultdict(RuleUse))
    flows: list[dict[str, Any]] = field(default_factory=list)
    #: of each entry in ``flows``: what identifies the flow in other runs of the same capture
    keys: list[FlowKey] = field(default_factory=list)
    #: positions in ``flows`` of those that are encrypted and unknown
    encrypted: list[int] = field(default_factory=list)


def summarize(events: Iterable[Event]) -> Summary:
    """Read all events."""
    summary = Summary()
    details: dict[int, dict[str, Any]] = {}
    for event in events:
        kind = event.get("event_type")
        if kind == "flow" and "flow" in event:
            _add_flow(summary, event, details.pop(event.get("flow_id", 0), {}))
        elif kind == "stats":
            _add_stats(summary, event.get("stats", {}))
        elif kind == "alert":
            summary.alerts += 1
            _note(details, event, "alert", event.get("alert", {}).get("signature"))
        elif kind == "drop":
            _note(details, event, "drop", event.get("pywall", {}).get("reason"))
        elif kind == "anomaly":
            _note(details, event, "anomaly", event.get("anomaly"))
        elif kind not in _NOT_DETAILS:
            _rank(summary, event)
            for name, value in event.items():
                if isinstance(value, dict) and name != "pywall":
                    details.setdefault(event.get("flow_id", 0), {})[name] = value
    return summary


def _note(details: dict[int, dict[str, Any]], event: Event, name: str, value: Any) -> None:
    if "flow_id" in event and value:
        details.setdefault(event["flow_id"], {})[name] = value


def _add_stats(summary: Summary, stats: dict[str, Any]) -> None:
    for decision in stats.get("decisions", ()):
        rule = decision.get("rule") or "no rule"
        summary.rules[rule].packets[decision["action"]] += decision["packets"]


def _rank(summary: Summary, event: Event) -> None:
    for ranking, path in _RANKED:
        value: Any = event
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            summary.rankings[ranking][value] += 1


def _add_flow(summary: Summary, event: Event, details: dict[str, Any]) -> None:
    flow, pywall = event["flow"], event.get("pywall", {})
    action = event.get("verdict", {}).get("action", "none")
    app = event.get("app_proto", "none")
    size = flow["bytes_toserver"] + flow["bytes_toclient"]
    packets = flow["pkts_toserver"] + flow["pkts_toclient"]
    start = seconds(flow["start"])
    summary.packets += packets
    summary.bytes += size
    summary.verdicts[action] += 1
    summary.timeline.append((start, action))
    for counts in (
        summary.protocols[app],
        summary.sources[event["src_ip"]],
        summary.destinations[event["dest_ip"]],
    ):
        counts[0] += 1
        counts[1] += size
    rule = pywall.get("rule") or "no rule"
    summary.rules[rule].flows[action] += 1
    payload = _payload(pywall)
    if app == "unknown" and payload.get("class") == "encrypted":
        summary.encrypted.append(len(summary.flows))
    if payload:
        details = {**details, "payload": payload}
    summary.keys.append(flow_key(event))
    summary.flows.append(
        {
            "t": start,
            "d": round(seconds(flow["end"]) - start, 3),
            "p": event["proto"],
            "s": event["src_ip"],
            "sp": event.get("src_port"),
            "c": event["dest_ip"],
            "cp": event.get("dest_port"),
            "a": app,
            "n": packets,
            "b": size,
            "v": action,
            "r": rule,
            "w": pywall.get("reason", ""),
            "f": event.get("pcap_filename", ""),
            "i": event.get("flow_id", 0),
            "x": details,
        }
    )


def _payload(pywall: dict[str, Any]) -> dict[str, Any]:
    """Return the classifier's facts."""
    found = pywall.get("payload")
    return found if isinstance(found, dict) else {}


def seconds(stamp: str) -> float:
    """Return an EVE time stamp as seconds since 1970, 0 where it is none."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0


def bins(timeline: list[tuple[float, str]]) -> tuple[list[float], dict[str, list[int]]]:
    """Return the starts of at most BINS equal spans of time, and the flows in each by verdict."""
    if not timeline:
        return [], {}
    first = min(time for time, _ in timeline)
    width = max((max(time for time, _ in timeline) - first) / BINS, 1e-3)
    counts: dict[str, list[int]] = {}
    for time, action in timeline:
        counts.setdefault(action, [0] * BINS)[min(int((time - first) / width), BINS - 1)] += 1
    return [first + width * n for n in range(BINS)], counts


def top(counts: dict[str, list[int]], by: int = 1) -> list[tuple[str, int, int]]:
    """Return the TOP entries by flows (0) or bytes (1): name, flows, bytes."""
    ordered = sorted(counts.items(), key=lambda entry: -entry[1][by])
    return [(name, flows, size) for name, (flows, size) in ordered[:TOP]]
