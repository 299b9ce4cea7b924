"""SampledPipeline: the way of a packet, and live the same way under a clock, which one packet in 64 takes."""

from __future__ import annotations

from time import perf_counter
from typing import final

from ..model.flow import Flow
from ..model.packet import Packet
from ..model.verdict import Verdict
from .pipeline import Pipeline
from .timing import EVERY, Timing


@final
class SampledPipeline:
    """``timed`` is None in a replay, whose results do not depend on the machine."""

    def __init__(self, plain: Pipeline, timed: Pipeline | None, timing: Timing) -> None:
        self._plain = plain
        self._timed = timed
        self._timing = timing
        #: packets until the next one under a clock; never 0 in a replay
        self._until_timed = 0 if timed is None else EVERY

    def process(self, packet: Packet) -> Verdict:
        """Return the verdict on one packet and count it."""
        self._until_timed -= 1
        if self._until_timed or self._timed is None:
            return self._plain.process(packet)
        self._until_timed = EVERY
        started = perf_counter()
        try:
            return self._timed.process(packet)
        finally:
            self._timing.verdict(perf_counter() - started)

    def decide_again(self, packet: Packet, flow: Flow) -> Verdict:
        """Return the verdict of the rules on a packet that passed undecided, by the facts that are known now."""
        return self._plain.decide_again(packet, flow)

    def assume_older(self, keys: frozenset[bytes]) -> None:
        """Take the keys of the connections that were open when the firewall started."""
        for pipeline in (self._plain, self._timed):
            if pipeline is not None:
                pipeline.older_connections = keys
