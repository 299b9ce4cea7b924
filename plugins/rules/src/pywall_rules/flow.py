"""``flow``: who started it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleKind

if TYPE_CHECKING:
    from pywall_core.api import Engine


class FlowStart(RuleKind):
    """Matches all packets of flows that the given side started: ``initiator: local`` is the rule for replies, "what
    this host began may be answered", for TCP, UDP and everything else alike."""

    kind: ClassVar[str] = "flow"
    scope: ClassVar = "flow"

    initiator: Literal["local", "remote"] = Field(description="the side that sent the first packet")

    def compile(self, engine: Engine) -> Matcher:
        wanted = self.initiator

        def match(packet: Packet, flow: Flow) -> Answer:
            return YES if flow.initiator == wanted else NO

        return match
