"""What an engine counts: packets by their verdict, losses by their cause, and the figures of the ``stats`` event.

Losses are packets and events that were not handled as the rules say. Their causes are the engine's own counters
(``decoder.*``: packets that did not decode, ``drop.*``: vetoed by a plugin, ``failure.*``, ``flows.table_full``,
``events.*``), the kernel's (``queue.*``) and the event outputs' (``events.*``).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from ..events.eve import protocol_name
from ..model.verdict import Action, Cause, Verdict

if TYPE_CHECKING:
    from .engine import Engine

log: Final = logging.getLogger("pywall.losses")
#: seconds between two log lines
LOG_SECONDS: Final = 10.0
_LOSS_COUNTERS: Final = ("decoder.", "drop.", "events.", "failure.", "flows.table_full")
#: by report: its figures that are losses, and the causes that they are counted as
_REPORTED_LOSSES: Final = {
    "queue": {
        "dropped_full": "queue.full",
        "dropped_user": "queue.socket_full",
        "passed": "queue.passed_without_verdict",
        "failed": "queue.internal_error",
    },
    "events": {"lost": "events.lost", "suppressed": "events.suppressed"},
}
#: chain, rule, action, and whether facts that the rules ask were still pending
Decision = tuple[str, str, Action, bool]
#: Verdicts counted apart at most. Those of rules are few; a plugin may veto packets for any number of reasons.
_MAX_VERDICTS: Final = 1024


@final
class _Count:
    __slots__ = ("packets", "verdict")

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.packets = 0


@final
class VerdictCounter:
    """Packets by the chain, rule and action of their verdict, those that wait for facts apart.

    Every packet is counted, so counting must cost little: it goes by the verdict object. Equal ones are added up when
    somebody asks.
    """

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}
        self._sums: Counter[Decision] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Count one packet."""
        count = self._counts.get(id(verdict))
        if count is None:
            if len(self._counts) >= _MAX_VERDICTS:
                self.decisions()
            count = self._counts[id(verdict)] = _Count(verdict)
        count.packets += 1

    def move(self, before: Verdict, verdict: Verdict) -> None:
        """Count a packet by another verdict than before."""
        self.add(verdict)
        self.add(before)
        self._counts[id(before)].packets -= 2

    def decisions(self) -> Counter[Decision]:
        """Return the packets so far."""
        sums = self._sums
        for count in self._counts.values():
            verdict = count.verdict
            sums[verdict.chain, verdict.rule, verdict.action, verdict.cause is Cause.PENDING] += count.packets
        self._counts.clear()
        return sums

    def actions(self) -> Counter[Action]:
        """Return the packets so far, by action."""
        found: Counter[Action] = Counter()
        for (_chain, _rule, action, _pending), n in self.decisions().items():
            found[action] += n
        return found


def losses(counters: Mapping[str, int], reports: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return cumulative losses by cause, none of them 0."""
    found = {name: n for name, n in counters.items() if n and name.startswith(_LOSS_COUNTERS)}
    for part, figures in _REPORTED_LOSSES.items():
        for figure, cause in figures.items():
            n = reports.get(part, {}).get(figure, 0)
            if n:
                found[cause] = n
    return found


class LossLog:
    """Logs the increase of losses, a line every ten seconds at most; the supervisor logs those of the kernel."""

    def __init__(self) -> None:
        self._logged: dict[str, int] = {}
        self._next = 0.0

    def log_increase(self, now: float, current: Mapping[str, int]) -> None:
        """Compare with what the last line said; ``now`` in seconds."""
        if now < self._next:
            return
        grown = {
            cause: n - self._logged.get(cause, 0) for cause, n in current.items() if not cause.startswith("queue.")
        }
        text = ", ".join(f"{n} {cause}" for cause, n in sorted(grown.items()) if n > 0)
        if text:
            self._next = now + LOG_SECONDS
            self._logged = dict(current)
            log.warning("handled by the failure policy instead of the rules: %s; see `failure:`", text)


def _unix_offset(engine: Engine) -> float:
    """Return seconds to add to Packet.time for Unix time: a capture's is that already, live it is the monotonic
    clock.
    """
    return time.time() - time.monotonic() if engine.live else 0.0


def engine_stats(engine: Engine) -> dict[str, Any]:
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
