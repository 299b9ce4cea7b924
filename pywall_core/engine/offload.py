"""Offload: when the kernel may carry a flow by a mark, and nothing inspects its packets any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from ..calls.guard import Calls, Guard
from ..chain.predict import BACK, OtherWay
from ..chain.walk import Chains
from ..model.flow import Flow
from ..model.packet import INPUT, OUTPUT, Packet
from ..model.verdict import ACCEPT, Verdict

_LOOPBACK_SLOTS = (INPUT << 1, INPUT << 1 | 1, OUTPUT << 1, OUTPUT << 1 | 1)


@final
class Offload:
    """The only place that decides it. ``look_on``: flows are looked at until they have a name, whatever their verdict.

    ``announcers`` is the mask of detectors that announce flows which rules ask for: a flow that may be theirs is looked
    at. ``flow_of(packet)`` is the flow table's; ``on_release`` are the hooks ``flow_released``.
    """

    def __init__(
        self,
        flow_of: Callable[[Packet], Flow | None],
        chains: Chains,
        guard: Guard,
        on_release: Calls,
        *,
        look_on: bool,
        observe: bool,
        announcers: int = 0,
    ) -> None:
        self._flow_of = flow_of
        self._announcers = announcers
        self._unruled = chains.unruled
        self._decided_at_sight = chains.decided_at_sight()
        self._other_way = OtherWay(chains, observe=observe)
        self._guard = guard
        self._on_release = on_release
        self._look_on = look_on

    def directions(self, packet: Packet, verdict: Verdict) -> int:
        """Return in how many directions of the connection the kernel may carry this verdict: 0, 1 (the packet's) or 2.

        It may when the verdict is final and nobody wants to see more of the flow. An ACCEPT of the other direction is
        handed over as well where it is known already.
        """
        if not verdict.final or packet.related:
            return 0
        flow = self._flow_of(packet)
        if flow is not None and flow.openings is not None:
            return 0  # which connection the verdict would be kept on is not known before one is answered
        if flow is None or verdict.action is not ACCEPT:
            return flow is None or not flow.watched
        if not (flow.cache.released or self.release(flow, packet.hook << 1 | packet.to_server)):
            return 0
        if flow.loopback:
            return 1
        back = self._predict(flow, BACK[packet.hook], not packet.to_server)
        if back is None or not back.final or back.action is not ACCEPT:
            return 1
        if back is not self._unruled:
            flow.cache.record_accept(back)
        return 2

    def release(self, flow: Flow, slot: int) -> bool:
        """Return True when the final ACCEPT of a slot ends all looking at the flow's packets, and tell the plugins.

        Not while the other direction is undecided: its detectors and the tracker need both. A hook whose rules ask
        neither facts nor packets decides at first sight and need not be waited for.
        """
        if flow.watched or (self._look_on and flow.looked_at):
            return False
        state = flow.detection
        if self._announcers and (state.match_bit | (0 if state.done else state.pending)) & self._announcers:
            return False
        if not (self._loopback_decided(flow) if flow.loopback else self._other_way_decided(flow, slot)):
            return False
        flow.cache.released = True
        self._guard.call_all(self._on_release, flow)
        return True

    def _loopback_decided(self, flow: Flow) -> bool:
        """Each packet on ``lo`` passes OUTPUT and INPUT: all four verdicts count."""
        for slot in _LOOPBACK_SLOTS:
            if (slot >> 1) not in self._decided_at_sight:
                verdict = flow.cache.verdicts[slot]
                if verdict is None or not verdict.final:
                    return False
        return True

    def _other_way_decided(self, flow: Flow, slot: int) -> bool:
        hook = BACK[slot >> 1]
        if hook in self._decided_at_sight:
            return True
        verdict = self._predict(flow, hook, not slot & 1)
        return verdict is not None and verdict.final

    def _predict(self, flow: Flow, hook: int, to_server: bool) -> Verdict | None:
        """Return the cached verdict of a direction. If there is none, predict it from the rules without waiting for a
        packet.
        """
        slot = hook << 1 | to_server
        verdict = flow.cache.verdicts[slot]
        if verdict is None and not flow.tcp.unacked:
            verdict = self._other_way.verdict(flow, to_server, hook)
            if verdict is not None and (verdict.action is ACCEPT or not verdict.final):
                flow.cache.verdicts[slot] = verdict
        return verdict
