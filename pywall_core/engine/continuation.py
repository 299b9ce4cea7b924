"""Continuation: what one process of the firewall knows of live flows, and how the next one goes on from there.

The descriptions are those of :mod:`pywall_core.flows.handover`, which may say anything;
:mod:`pywall_core.flows.inheritance` holds them until the flows' next packets come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, final

from ..calls.guard import Calls, Guard
from ..detection.detection import Detection
from ..flows.handover import describe
from ..flows.inheritance import Inheritance
from ..flows.table import FlowTable
from ..model.flow import Flow
from ..model.packet import TCP, Packet
from ..model.verdict import Cause
from .failure_policy import FailurePolicy

#: what is handed over of a flow that was dropped since servers read it differently
_AMBIGUOUS: Final = {"": "ambiguous"}


@final
class Continuation:
    """``flow_state`` and ``flow_resume`` are the plugins' hooks. ``asks_facts``: rules ask what connections say."""

    def __init__(
        self,
        flows: FlowTable,
        detection: Detection,
        guard: Guard,
        policy: FailurePolicy,
        flow_state: Calls,
        flow_resume: Calls,
        *,
        asks_facts: bool,
    ) -> None:
        self._flows = flows
        self._detection = detection
        self._guard = guard
        self._policy = policy
        self._flow_state = flow_state
        self._flow_resume = flow_resume
        self._asks_facts = asks_facts
        #: what the process before this one knew
        self.inheritance = Inheritance()
        #: there is something to recall: flows that began before this process may come
        self.recalls = False

    # --- the process that hands over ------------------------------------------------------------------------------

    def describe_flows(self, *, exact: bool = False) -> Iterator[bytes]:
        """Yield what is known of each live flow, for :meth:`inherit` of another process. ``exact``: no packet will pass
        here any more.
        """
        for flow in self._flows:
            if not flow.closed and (line := describe(flow, self._keep_flow(flow), exact=exact)) is not None:
                yield line
        yield from self.inheritance.entries()

    def _keep_flow(self, flow: Flow) -> dict[str, Any] | None:
        """Return what another process needs to go on with the bytes of a flow, None where nothing is looked at or
        nobody can tell.
        """
        if flow.final is not None and flow.final.cause is Cause.AMBIGUOUS and flow.detection.following is None:
            return dict(_AMBIGUOUS)
        if not (flow.looked_at or flow.tcp.unacked):
            return None
        kept: dict[str, Any] = {}
        parser = self._detection.transactions.save(flow)
        if parser is not None:
            kept[""] = parser
        for plugin, call in self._flow_state:
            self._guard.begin_packet()
            state = self._guard.call(plugin, call, flow)
            if state is not None:
                kept[plugin] = state
        return kept or None

    # --- the process that goes on ---------------------------------------------------------------------------------

    def inherit(self, descriptions: Iterable[bytes], *, exact: bool = False) -> None:
        """Take descriptions of flows in, for their next packets. ``exact``: believe those which say that no packet has
        passed since they were made.
        """
        for line in descriptions:
            self.inheritance.add(line, exact=exact)
        self._recall_from_now_on()

    def assume_originals(self, keys: frozenset[bytes]) -> None:
        """Take the keys of connections that were open at the start, in the direction of those who began them."""
        self.inheritance.originals = keys
        self._recall_from_now_on()

    def _recall_from_now_on(self) -> None:
        self.recalls = True
        self._flows.client_is_receiver = self.inheritance.client_is_receiver

    def recall(self, flow: Flow, packet: Packet) -> None:
        """Use what is known of a flow, whose first packet here this is, that began before this process."""
        known = self.inheritance.take(flow, packet)
        if known is None:
            flow.older = self.inheritance.is_older(flow, packet)
            if flow.older and self.inheritance.lost and self._asks_facts and packet.proto == TCP:
                self._refuse(flow, "tcp", "lost")  # half a request may have passed, and this be the other half
            return
        flow.inherited = True
        flow.interrupted = not known.exact
        flow.older, flow.initiator, flow.hook = known.older, known.initiator, known.hook
        flow.start = min(known.start, packet.time)
        flow.expected = known.expected
        if known.kept is not None:
            for plugin, call in self._flow_resume:
                if plugin in known.kept:
                    self._guard.call(plugin, call, flow, known.kept[plugin])
        self._detection.resume(flow, known)
        self._detection.transactions.forget_due()  # the packets that brought them have had their verdicts
        if known.kept == _AMBIGUOUS and not known.followed:
            self._refuse(flow, known.app_proto or "", "before")  # it comes again, and the rules cannot read it

    def _refuse(self, flow: Flow, protocol: str, reason: str) -> None:
        """Nobody can tell any more what a connection says: ``failure.ambiguous`` decides on all of it."""
        dropped = self._policy.ambiguous(protocol, reason, datagram=False)
        if dropped is not None and dropped.final:
            flow.stop_looking(dropped)
