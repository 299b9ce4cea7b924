"""KeptPackets: wraps an engine, and keeps the packets that it drops (``events: pcap``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..events.emitter import comment_of
from ..model.verdict import ACCEPT

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..model.packet import Packet
    from ..model.verdict import Verdict


class KeptPackets:
    """Processes packets with ``engine``; ``keep(packet, comment)`` gets those that do not pass or raise an alert."""

    def __init__(self, engine: Engine, keep: Callable[[bytes, str], None]) -> None:
        self._process = engine.process
        self._keep = keep
        self.offloadable = engine.offloadable
        self.wants_interfaces = engine.wants_interfaces
        self.helpers = engine.helpers
        self._decide_again = engine.decide_again
        engine.keep_alerts(keep)

    def process(self, packet: Packet) -> Verdict:
        """Return the verdict on one packet."""
        return self._seen(packet, self._process(packet))

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        """Return the verdict on a packet that was held, and had been accepted before."""
        return self._seen(packet, self._decide_again(packet, before))

    def _seen(self, packet: Packet, verdict: Verdict) -> Verdict:
        if verdict.action is not ACCEPT:
            self._keep(packet.data, comment_of(verdict))
        return verdict
