"""What the engine tells the outside: when there is an event, and how many of a kind are enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from ..calls.guard import Calls, Guard
from ..chain.rule import Rule
from ..event_lines import rule_label
from ..model.flow import Flow
from ..model.packet import Packet
from ..model.transaction import Transaction
from ..model.verdict import ACCEPT, Verdict
from .eve import EventBuilder
from .fields import Event

_ANOMALIES_PER_TICK: Final = 100
#: in ``Flow.ext``: the rules with ``observe`` that were reported of this flow
_OBSERVED: Final = "core.observed"


class Reporter:
    """Events of one engine, to its sink and to the plugins' ``event`` hooks."""

    def __init__(
        self,
        builder: EventBuilder,
        sink: Callable[[Event], None] | None,
        hooks: Calls,
        guard: Guard,
        counters: Counter[str],
    ) -> None:
        self.builder = builder
        self._sink = sink
        self._hooks = hooks
        self._guard = guard
        self._counters = counters
        #: takes packets that raise an alert, with a comment, where somebody keeps them
        self.keep_packet: Callable[[bytes, str], None] | None = None
        #: the engine's clock, seconds
        self.now = 0.0
        self._anomalies = 0

    @property
    def is_read(self) -> bool:
        """Somebody takes the events."""
        return self._sink is not None or bool(self._hooks)

    def tick(self) -> None:
        """About once a second of the engine's clock: what is counted a second begins again."""
        self._anomalies = 0

    def emit(self, event_type: str, flow: Flow | None, packet: Packet | None, fields: dict[str, Any]) -> None:
        """Write an EVE event; ``fields`` become top-level keys."""
        keep = self.keep_packet if event_type == "alert" and packet is not None else None
        if self._sink is None and not self._hooks and keep is None:
            return
        event = self.builder.build(event_type, flow, packet, fields, self.now)
        if keep is not None and packet is not None:
            keep(packet.data, f"alert: {event.get('alert', {}).get('signature', '')}")
        if self._sink is not None:
            self._sink(event)
        for name, hook in self._hooks:
            self._guard.call(name, hook, event)

    def protocol(self, flow: Flow) -> None:
        """One event a flow with the facts of its protocol, when all are known."""
        proto = flow.app_proto
        if not flow.detect_done or proto is None or flow.protocol_event_written or not flow.facts:
            return
        if flow.detection.following is not None:  # it may yet find transactions
            return
        flow.protocol_event_written = True
        if self.builder.has_type(proto, flow):
            self.emit(proto, flow, None, {})

    def transactions(self, flow: Flow, found: Sequence[tuple[str, Transaction]], packet: Packet | None) -> None:
        """One event for each complete transaction, and one for what cannot be right about it."""
        for protocol, transaction in found:
            if transaction.anomaly:
                self.anomaly(packet, flow, "applayer", f"{protocol}.{transaction.anomaly}")
            if transaction.complete and transaction.facts:
                self.emit(protocol, flow, None, {"transaction": transaction})

    def drop(self, verdict: Verdict, packet: Packet, flow: Flow) -> None:
        """One drop event a flow and rule, not one a packet."""
        if flow.verdict is None or flow.verdict.action is ACCEPT or flow.verdict.rule != verdict.rule:
            self.emit("drop", flow, packet, {"verdict": verdict})

    def observed(self, rule: Rule, packet: Packet, flow: Flow) -> None:
        """A rule with ``observe`` would have decided: one alert a flow and rule."""
        ext = flow.ext
        if ext is None:
            ext = flow.ext = {}
        seen: set[str] = ext.setdefault(_OBSERVED, set())
        if rule.path not in seen:
            seen.add(rule.path)
            self.emit("alert", flow, packet, {"rule": rule})

    def would_be(self, verdict: Verdict, packet: Packet, flow: Flow) -> Verdict:
        """Observe mode: what would have been done is reported, the packet passes."""
        reason = f"observe: would {verdict.action.value}"
        if flow.verdict is None or (flow.verdict.rule, flow.verdict.reason) != (verdict.rule, reason):
            self.emit("alert", flow, packet, {"would_be": verdict})
        self._counters[f"observed.{verdict.action.value}"] += 1
        return replace(verdict, action=ACCEPT, reason=reason)

    def anomaly(self, packet: Packet | None, flow: Flow | None, kind: str, event: str) -> None:
        """A decoder's or a tracker's objection; live at most a hundred a second are written, the others are counted."""
        self._anomalies += 1
        if self._anomalies <= _ANOMALIES_PER_TICK or not self.builder.live:
            self.emit("anomaly", flow, packet, {"anomaly": {"type": kind, "event": event}})
        else:
            self._counters["events.anomaly_suppressed"] += 1


def comment_of(verdict: Verdict) -> str:
    """Return the verdict in one line: ``DROP by SSH from outside (pywall.yaml:12)``, and the reason if it says more."""
    rule, reason = verdict.rule, verdict.reason
    decider = rule_label(rule, verdict.title, verdict.where) if rule else verdict.plugin
    said = "" if reason in ("", f"{rule} matched", verdict.title) else f": {reason}"
    return f"{verdict.action.name} by {decider}{said}"
