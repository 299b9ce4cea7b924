"""The figures of the ``stats`` event."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from ..calls.quarantine import Failures
from ..chain.walk import Chains
from ..events.eve import protocol_name
from ..flows.expectations import Expectations
from ..flows.table import FlowTable
from ..model.named_set import NamedSet
from ..model.verdict import Action
from ..packet.fragments import Fragments
from .counters import Decision
from .timing import Timing


class Counted(Protocol):
    """What of an engine is counted."""

    live: bool
    packets: int
    bytes: int
    flows: FlowTable
    chains: Chains
    expectations: Expectations
    sets: dict[str, NamedSet]
    fragments: Fragments
    counters: Counter[str]
    failures: Failures
    timing: Timing
    reports: dict[str, Callable[[], dict[str, Any]]]

    @property
    def verdicts(self) -> Counter[Action]: ...

    @property
    def decisions(self) -> Counter[Decision]: ...

    def plugin_stats(self) -> dict[str, Any]: ...

    def losses(self) -> dict[str, int]: ...


def _unix_offset(engine: Counted) -> float:
    """Return seconds to add to Packet.time for Unix time: a capture's is that already, live it is the monotonic
    clock.
    """
    return time.time() - time.monotonic() if engine.live else 0.0


def engine_stats(engine: Counted) -> dict[str, Any]:
    """Return cumulative counters, nested; ``docs/reference/events.md`` describes each. Walks the flow table."""
    states = Counter(flow.state for flow in engine.flows)
    protocols = Counter(flow.app_proto or "pending" for flow in engine.flows)
    rules = [rule for chain in engine.chains.rules.values() for rule in chain]
    return {
        "packets": engine.packets,
        "bytes": engine.bytes,
        "verdicts": {action.value: n for action, n in engine.verdicts.items()},
        "rules": {rule.path: rule.hits for rule in rules},
        "rule_names": {rule.path: {"name": rule.title, "at": rule.where} for rule in rules},
        "rule_last": {rule.path: round(rule.last + _unix_offset(engine), 3) for rule in rules if rule.last >= 0},
        "decisions": [
            {"chain": chain, "rule": rule, "action": action.value, "pending": pending, "packets": n}
            for (chain, rule, action, pending), n in engine.decisions.items()
        ],
        "flows": {
            "active": len(engine.flows),
            "by_state": dict(states),
            "by_app_proto": dict(protocols),
            "by_proto": dict(Counter(protocol_name(flow.proto) for flow in engine.flows)),
            "evicted": dict(engine.flows.evicted),
            "expectations_refused": dict(engine.expectations.refused),
        },
        "sets": {name: {"type": one.type, "entries": len(one)} for name, one in engine.sets.items()},
        "fragments": engine.fragments.stats(),
        "counters": dict(engine.counters),
        "plugins": engine.plugin_stats(),
        "failures": {
            name: {"errors": f.errors, "quarantined": f.quarantined, "last": f.last}
            for name, f in engine.failures.by_plugin.items()
        },
        "losses": engine.losses(),
        **({"seconds": dict(engine.timing.seconds), "latency": engine.timing.latency()} if engine.live else {}),
        **{name: report() for name, report in engine.reports.items()},
    }
