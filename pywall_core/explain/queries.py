"""Looking at the flows of a running engine, without touching them: for ``pywall flows``."""

from __future__ import annotations

import heapq
import socket
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from ..chain.predict import BACK, next_packet, quiet_chains
from ..chain.walk import Chains
from ..engine.engine import Engine
from ..events.eve import protocol_name
from ..events.fields import clean
from ..flows.filter import parse
from ..model.flow import Flow
from ..model.packet import HOOK_NAMES
from ..model.verdict import Action, Cause, Verdict
from .trace import walk_with_notes, where

#: flows in one answer at most
MAX_FLOWS: Final = 1000
#: what flows can be sorted by, the greatest first
SORTS: Final[Mapping[str, Callable[[Flow], float]]] = {
    "bytes": lambda flow: flow.bytes_toserver + flow.bytes_toclient,
    "packets": lambda flow: flow.pkts_toserver + flow.pkts_toclient,
    "age": lambda flow: -flow.start,
    "recent": lambda flow: flow.last,
}


class Inspector:
    """Answers questions about one engine's flows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._chains: Chains | None = None

    def flows(self, now: float, limit: int, sort: str = "", expression: str = "") -> list[dict[str, Any]]:
        """At most ``limit`` (1 to 1000) flows: those that ``expression`` chooses, the first by ``sort``.

        :raises FilterError: the expression cannot be understood, or names a set that the policy has not
        """
        chosen = parse(expression, self._engine.sets) if expression else None
        flows = (flow for flow in self._engine.flows if chosen is None or chosen(flow))
        limit = max(0, min(limit, MAX_FLOWS))
        key = SORTS.get(sort)
        found = islice(flows, limit) if key is None else heapq.nlargest(limit, flows, key)
        return [self._describe(flow, now) for flow in found]

    def show(self, number: int, now: float) -> dict[str, Any] | None:
        """Return all that is known of a flow, and the walk that its next packet of each direction would take."""
        flow = next((flow for flow in self._engine.flows if flow.id == number), None)
        if flow is None:
            return None
        verdict = flow.final or flow.verdict
        detectors = self._engine.plugins.detectors.all
        pending = [d.name for i, d in enumerate(detectors) if flow.detection.pending >> i & 1]
        return {
            **self._describe(flow, now),
            "initiator": flow.initiator,
            "client_state": flow.tcp.client_state,
            "server_state": flow.tcp.server_state,
            "confirmed": flow.confirmed,
            "settled": flow.detect_done,
            "detectors_pending": pending if not flow.detect_done else [],
            "facts": clean(flow.facts),
            "decided_by": "" if verdict is None else where(self._engine.config, verdict, self._engine),
            "reason": "" if verdict is None else clean(verdict.reason),
            "directions": [self._direction(flow, to_server) for to_server in (True, False)],
        }

    def _describe(self, flow: Flow, now: float) -> dict[str, Any]:
        """Return one line of ``pywall flows``, with what classifiers say: settled facts, or those of the bytes seen
        so far.
        """
        engine = self._engine
        payload: dict[str, Any] = {}
        for _name, call in engine.plugins.calls("facts_so_far"):
            payload |= call(flow) or {}
        settled = engine.detection.classifiers.facts.intersection(flow.facts)
        return {**describe(flow, now), "payload": clean(payload | {name: flow.facts[name] for name in settled})}

    def _direction(self, flow: Flow, to_server: bool) -> dict[str, Any]:
        """Return the current verdict of a direction, and the rules' current answers."""
        engine = self._engine
        hook = flow.hook if to_server else BACK[flow.hook]
        if self._chains is None:
            self._chains = quiet_chains(engine.chains)
        verdict, walk, why = walk_with_notes(engine, self._chains, next_packet(flow, to_server, hook), flow)
        cached: Verdict | None = flow.cache.verdicts[hook << 1 | to_server]
        final = flow.final if flow.final is not None and flow.final.action is not Action.ACCEPT else cached
        if final is not None and final.final:
            verdict, why = final, "final: no rule is asked any more"
        return {
            "direction": "to_server" if to_server else "to_client",
            "hook": HOOK_NAMES[hook],
            "verdict": verdict.action.value,
            "final": verdict.final,
            "rule": verdict.rule,
            "where": where(engine.config, verdict, engine),
            "why": why,
            "walk": [w.fields() for w in walk],
        }


def describe(flow: Flow, now: float) -> dict[str, Any]:
    """Return one line of ``pywall flows``; ``age`` and ``idle`` in seconds."""
    family = socket.AF_INET if flow.version == 4 else socket.AF_INET6
    verdict = flow.final or flow.verdict
    return {
        "flow_id": flow.id,
        "src_ip": socket.inet_ntop(family, flow.src),
        "src_port": flow.sport,
        "dest_ip": socket.inet_ntop(family, flow.dst),
        "dest_port": flow.dport,
        "proto": protocol_name(flow.proto),
        "app_proto": flow.app_proto,
        "state": flow.state,
        "pkts_toserver": flow.pkts_toserver,
        "pkts_toclient": flow.pkts_toclient,
        "bytes_toserver": flow.bytes_toserver,
        "bytes_toclient": flow.bytes_toclient,
        "age": round(now - flow.start, 3),
        "idle": round(now - flow.last, 3),
        "verdict": None if verdict is None else verdict.action.value,
        "final": bool(verdict and verdict.final),
        "pending": bool(verdict and verdict.cause is Cause.PENDING),
        "rule": "" if verdict is None else verdict.rule,
        "rule_name": "" if verdict is None else clean(verdict.title),
        "rule_at": "" if verdict is None else clean(verdict.where),
    }
