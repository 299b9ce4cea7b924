"""PacketHooks: the calls that packets wait for, through the guard that catches what plugins raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..calls.guard import Calls, Guard, Raised
from ..model.flow import Flow
from ..model.packet import Packet
from ..model.verdict import Drop, Verdict
from .timing import CHAINS, Timing

Walk = Callable[[Packet, Flow], Verdict]

#: the name under which failures of rules are counted: a chain does not say which of its rules raised
RULES = "rules"


@final
class PacketHooks:
    """Hooks ``packet``, ``decided`` and ``segment``, and the rules."""

    def __init__(self, guard: Guard, packet: Calls, decided: Calls, segment: Calls, walk: Walk) -> None:
        self._guard = guard
        self._packet = packet
        self._decided = decided
        self._segment = segment
        self._walk = walk

    def packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Return the first veto of the ``packet`` hooks, None when there is none."""
        for plugin, hook in self._packet:
            veto: Any = self._guard.ask2(plugin, hook, packet, flow)
            if veto is None:
                continue
            if type(veto) is Drop:
                return veto
            if type(veto) is not Raised:
                self._guard.refuse(plugin, "pywall_packet", veto)
        return None

    def walk(self, packet: Packet, flow: Flow) -> Verdict | None:
        """Return the verdict of the rules, None when one of them raised."""
        verdict: Any = self._guard.ask2(RULES, self._walk, packet, flow)
        return verdict if type(verdict) is Verdict else None

    def decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
        """Tell the ``decided`` hooks the verdict."""
        for plugin, hook in self._decided:
            self._guard.ask3(plugin, hook, packet, flow, verdict)

    def timed(self, timing: Timing) -> PacketHooks:
        """Return the same calls under a clock."""
        calls = timing.calls(self._packet), timing.calls(self._decided), timing.calls(self._segment)
        return PacketHooks(self._guard, *calls, timing.watch(CHAINS, self._walk))

    def segment(self, packet: Packet, flow: Flow) -> None:
        """Give the ``segment`` hooks the ordered bytes that an accepted packet completed."""
        for plugin, hook in self._segment:
            for offset, data, gap in packet.segments:
                self._guard.call(plugin, hook, flow, packet.to_server, offset, data, gap)
