"""The figures of an engine: what its ``stats`` event and the control socket tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..events.eve import protocol_name

if TYPE_CHECKING:
    from .engine import Engine


def engine_stats(engine: Engine) -> dict[str, Any]:
    """Cumulative counters, nested; ``docs/reference/events.md`` says what each is. Walks the flow table."""
    states = Counter(flow.state for flow in engine.flows)
    protocols = Counter(flow.app_proto or "pending" for flow in engine.flows)
    plugin_stats: dict[str, Any] = {}
    for name, hook in engine.plugins.calls("stats"):
        found = engine.guard(name, hook)
        if isinstance(found, dict):
            plugin_stats[name] = found
    return {
        "packets": engine.packets,
        "bytes": engine.bytes,
        "verdicts": {action.value: n for action, n in engine.verdicts.items()},
        "rules": {rule.path: rule.hits for rules in engine.chains.rules.values() for rule in rules},
        "decisions": [
            {"chain": chain, "rule": rule, "action": action.value, "packets": n}
            for (chain, rule, action), n in engine.decisions.items()
        ],
        "flows": {
            "active": len(engine.flows),
            "by_state": dict(states),
            "by_app_proto": dict(protocols),
            "by_proto": dict(Counter(protocol_name(flow.proto) for flow in engine.flows)),
            "evicted": dict(engine.flows.evicted),
            "expectations_refused": dict(engine.expectations.refused),
        },
        "fragments": engine.fragments.stats(),
        "counters": dict(engine.counters),
        "plugins": plugin_stats,
        "failures": {
            name: {"errors": f.errors, "quarantined": f.quarantined, "last": f.last}
            for name, f in engine.failures.by_plugin.items()
        },
        "losses": engine.losses(),
        **({"seconds": dict(engine.timing.seconds), "latency": engine.timing.latency()} if engine.live else {}),
        **{name: report() for name, report in engine.reports.items()},
    }
