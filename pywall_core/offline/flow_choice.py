"""FlowChoice: only the events of chosen flows reach the sink; a flow is chosen at its end, by what is known then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..flows.filter import Predicate
from ..model.flow import Flow
from .replay import Enough

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..model.packet import Packet
    from ..model.verdict import Verdict

Event = dict[str, Any]

#: events kept for one flow that has not ended
_MAX_HELD: Final = 1000


class FlowChoice:
    """Holds back each flow's events until its ``flow`` event, then passes them on or forgets them.

    ``chosen`` is a filter over flows, ``number`` the flow that began as the Nth (from 1; 0: any). Events without a flow
    pass. Give :meth:`event` to the engine as its sink, and call :meth:`seen` after each packet.
    """

    def __init__(self, sink: Callable[[Event], None], chosen: Predicate | None, number: int = 0) -> None:
        self._sink = sink
        self._chosen = chosen
        self._number = number
        self._flows: dict[int, tuple[int, Flow]] = {}
        self._held: dict[int, list[Event]] = {}
        self._begun = 0
        self._done = False
        #: flows that were passed on
        self.passed = 0

    def watch(self, engine: Engine) -> None:
        """Take the flows from this engine."""
        self._find = engine.flows.find

    def seen(self, packet: Packet, _verdict: Verdict) -> None:
        """Note the packet's flow.

        :raises Enough: the one flow that was asked for has ended
        """
        if self._done:
            raise Enough
        flow = self._find(packet.key)
        if flow is not None and flow.id not in self._flows:
            self._begun += 1
            self._flows[flow.id] = (self._begun, flow)

    def takes_packet(self, packet: Packet) -> bool:
        """Return whether the flow of a packet that was seen is chosen, by what is known of it now."""
        flow = self._find(packet.key)
        return flow is not None and self._is_chosen(*self._flows.get(flow.id, (0, flow)))

    def event(self, event: Event) -> bool:
        """Take one event of the engine. Return False for the ``flow`` event of a flow that is not chosen."""
        number = event.get("flow_id")
        if number is None:
            self._sink(event)
            return True
        events = self._held.setdefault(number, [])
        if len(events) < _MAX_HELD or event["event_type"] == "flow":
            events.append(event)
        if event["event_type"] != "flow":
            return True
        del self._held[number]
        nth, flow = self._flows.pop(number, (0, None))
        if flow is None or not self._is_chosen(nth, flow):
            return False
        self.passed += 1
        self._done = self._number == nth
        for one in events:
            self._sink(one)
        return True

    def _is_chosen(self, nth: int, flow: Flow) -> bool:
        return self._number in (0, nth) and (self._chosen is None or self._chosen(flow))
