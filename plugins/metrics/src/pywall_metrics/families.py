"""The engine's counters as metric families. Names follow Prometheus' naming practices: base units, ``_total``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

#: causes of losses that are shown before there are any: a rate misses the first of what begins with it
FROM_THE_START: Final = (
    "events.lost",
    "failure.plugin_error",
    "flows.table_full",
    "queue.full",
    "queue.passed_without_verdict",
    "queue.socket_full",
)
#: what fails where the engine times the chains: errors of all rules are counted under one name
FAILS_AS: Final = {"chains": "rules"}
#: values of the labels, and the figure
Samples = Sequence[tuple[tuple[str, ...], float]]


def families(stats: Mapping[str, Any], age: float) -> Iterator[Metric]:
    """Yield all families of one worker; ``stats`` as ``engine.stats()`` gives them, ``age`` of the copy in seconds."""
    yield _counter("pywall_packets", "Packets that got a verdict.", [], [((), stats["packets"])])
    yield _counter("pywall_bytes", "Bytes of packets that got a verdict, by the IP header.", [], [((), stats["bytes"])])
    names = {rule: named["name"] for rule, named in stats["rule_names"].items()}
    decided: dict[tuple[str, ...], float] = {}
    for d in stats["decisions"]:
        rule = "pending" if d["pending"] else d["rule"]
        labels = (d["chain"], rule, names.get(rule, ""), d["action"])
        decided[labels] = decided.get(labels, 0) + d["packets"]
    what = (
        "Packets by the rule that decided; empty: no rule did; pending: facts that the rules ask were still missing. "
        "Packets that the kernel carries are not among them."
    )
    yield _counter("pywall_verdicts", what, ["chain", "rule", "name", "action"], list(decided.items()))
    hits = [((rule, names.get(rule, "")), n) for rule, n in stats["rules"].items()]
    yield _counter("pywall_rule_hits", "How often a rule matched when it was asked.", ["rule", "name"], hits)
    last = [((rule, names.get(rule, "")), at) for rule, at in stats["rule_last"].items()]
    yield _gauge("pywall_rule_last_hit_seconds", "Unix time of a rule's last hit.", ["rule", "name"], last)
    yield from _flows(stats)
    yield from _queue(stats.get("queue", {}))
    yield from _plugins(stats)
    losses = [((cause,), n) for cause, n in {**dict.fromkeys(FROM_THE_START, 0), **stats["losses"]}.items()]
    yield _counter("pywall_losses", "Packets and events not treated as the rules say.", ["cause"], losses)
    counters = [((name,), n) for name, n in stats["counters"].items()]
    yield _counter("pywall_counters", "The engine's and the plugins' own counters.", ["name"], counters)
    events = stats.get("events", {})
    outcomes = [((name,), events[name]) for name in ("written", "lost", "suppressed") if name in events]
    yield _counter("pywall_events", "Events by what became of them.", ["outcome"], outcomes)
    yield _gauge("pywall_metrics_age_seconds", "Age of the figures; grows when the engine hangs.", [], [((), age)])


def _flows(stats: Mapping[str, Any]) -> Iterator[Metric]:
    flows = stats["flows"]
    for name, what, label, part in (
        ("pywall_flows", "Flows in the table by state.", "state", flows["by_state"]),
        ("pywall_flows_by_protocol", "Flows in the table by IP protocol.", "proto", flows["by_proto"]),
        ("pywall_flows_by_app", "Flows in the table by what was detected.", "app_proto", flows["by_app_proto"]),
    ):
        yield _gauge(name, what, [label], [((value,), n) for value, n in part.items()])
    evicted = [((share,), n) for share, n in flows["evicted"].items()]
    yield _counter("pywall_flows_evicted", "Flows that gave way to others.", ["share"], evicted)


def _queue(queue: Mapping[str, int]) -> Iterator[Metric]:
    if "waiting" not in queue:
        return
    yield _gauge("pywall_queue_length", "Packets that wait in the kernel's queue.", [], [((), queue["waiting"])])
    yield _counter("pywall_queue_packets", "Packets that came to the queue.", [], [((), queue["packets"])])
    lost = [(("queue",), queue["dropped_full"]), (("socket",), queue["dropped_user"])]
    yield _counter("pywall_queue_drops", "Packets lost as the queue or its socket was full.", ["full"], lost)
    what = "Packets that passed without a verdict because the queue fails open; the first worker reports for all."
    yield _counter("pywall_queue_passed", what, [], [((), queue["passed"])])


def _plugins(stats: Mapping[str, Any]) -> Iterator[Metric]:
    seconds = [((plugin,), s) for plugin, s in stats.get("seconds", {}).items()]
    what = "Time that a plugin used, estimated from one packet in 64; chains: all rules."
    yield _counter("pywall_plugin_seconds", what, ["plugin"], seconds)
    unharmed = {"errors": 0, "quarantined": False}
    failures = {FAILS_AS.get(name, name): unharmed for name in stats.get("seconds", {})} | stats["failures"]
    errors = [((plugin,), of["errors"]) for plugin, of in failures.items()]
    yield _counter("pywall_plugin_errors", "Exceptions of a plugin; rules: of all rules.", ["plugin"], errors)
    quarantined = [((plugin,), float(of["quarantined"])) for plugin, of in failures.items()]
    yield _gauge("pywall_plugin_quarantined", "1: the plugin is not asked any more.", ["plugin"], quarantined)
    latency = stats.get("latency")
    if latency:
        buckets = [*latency["buckets"].items(), ("+Inf", latency["sampled"])]
        histogram = HistogramMetricFamily(
            "pywall_verdict_latency_seconds", "From decoded packet to verdict, of one packet in 64."
        )
        histogram.add_metric([], buckets, latency["sum"])
        yield histogram


def _counter(name: str, what: str, labels: list[str], samples: Samples) -> Metric:
    family = CounterMetricFamily(name, what, labels=labels)
    for values, n in samples:
        family.add_metric(list(values), n)
    return family


def _gauge(name: str, what: str, labels: list[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, n in samples:
        family.add_metric(list(values), n)
    return family
