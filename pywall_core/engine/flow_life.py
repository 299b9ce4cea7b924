"""FlowLife: what is done when a flow begins and when it ends."""

from __future__ import annotations

import os
import sys
from collections import Counter
from hashlib import blake2b
from typing import Final, Protocol, final

from ..calls.guard import Calls, Guard
from ..detection import ip_protocols
from ..detection.detection import Detection
from ..events.emitter import Reporter
from ..flows.expectations import Expectations
from ..model.flow import Flow
from ..model.host import Host
from ..model.packet import TCP, UDP, Packet
from .continuation import Continuation

#: flows that are classified when they end, live and for their events alone: some 0.4 ms each, while packets wait
CLASSES_A_SECOND: Final = 200


class NumberedHost(Host, Protocol):
    """The engine, which counts the frames of a replay."""

    frame: int


@final
class FlowLife:
    """``flow_start`` and ``flow_end`` are the plugins' hooks. ``first``: see :func:`first_flow`."""

    def __init__(
        self,
        host: NumberedHost,
        detection: Detection,
        expectations: Expectations,
        continuation: Continuation,
        events: Reporter,
        guard: Guard,
        counters: Counter[str],
        flow_start: Calls,
        flow_end: Calls,
        *,
        first: int,
    ) -> None:
        self._host = host
        self._detection = detection
        self._expectations = expectations
        self._continuation = continuation
        self._events = events
        self._guard = guard
        self._counters = counters
        self._flow_start = flow_start
        self._flow_end = flow_end
        self._first = first
        #: flows without a class that are still classified when they end, in a second and in what is left of it
        self._classes_a_second = self._classes_left = sys.maxsize

    def limit_classes(self) -> None:
        """No plugin needs the class of a flow that ends, but the events alone, if somebody reads them: classify some,
        at most :data:`CLASSES_A_SECOND`.
        """
        self._classes_a_second = self._classes_left = CLASSES_A_SECOND if self._events.is_read else 0

    def tick(self) -> None:
        """A second of the clock is over: what is counted a second begins again."""
        self._classes_left = self._classes_a_second

    def begin(self, flow: Flow, packet: Packet) -> None:
        """Set up a flow, whose first packet this is."""
        flow.engine = self._host
        if self._host.frame and self._first:
            flow.id = self._first + self._host.frame
        self._detection.begin(flow)
        if packet.proto not in (TCP, UDP):
            flow.own_detection().facts = ip_protocols.read_facts(packet)
        if self._expectations.asks_group(packet):
            flow.watched = True  # each question counts, the first alone would soon be forgotten
        elif self._expectations:
            flow.expected = self._expectations.take(flow, packet.time)
        if self._continuation.recalls:
            self._continuation.recall(flow, packet)
        self._guard.call_all(self._flow_start, flow)

    def end(self, flow: Flow, reason: str) -> None:
        """The flow has left the table."""
        if flow.detection.classifying:
            self._classes_left -= 1
            if self._classes_left < 0:
                self._detection.classifiers.set_aside(flow)
                self._counters["flows.unclassified"] += self._events.is_read
        self._detection.finish(flow)
        self.end_transactions(flow)
        self._events.protocol(flow)
        self._guard.call_all(self._flow_end, flow, reason)
        self._counters[f"flows.ended.{reason}"] += 1
        self._events.emit("flow", flow, None, {"reason": reason})

    def end_transactions(self, flow: Flow) -> None:
        """Nobody follows the flow any more: its open transactions have their events as they are."""
        self._events.transactions(flow, self._detection.transactions.end(flow), None)


def first_flow(capture: str | None) -> int:
    """Return what the numbers of a capture's flows are counted from, in the order in which they begin: the same in each
    replay of the capture, and far from those of others. 0 without a capture: flows get random numbers.
    """
    if capture is None:
        return 0
    return int.from_bytes(blake2b(os.fsencode(capture), digest_size=8).digest()) >> 12
