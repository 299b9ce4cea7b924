"""``log``: an event, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from pydantic import Field

from pywall_core.api import NO, Answer, Flow, Matcher, Packet, RuleKind

from .alerts import alert

if TYPE_CHECKING:
    from pywall_core.api import Host

_EXT: Final = "rules.log"


class Log(RuleKind):
    """Writes an EVE event of type ``alert`` with action ``allowed`` for what comes here for certain, and never matches:
    while a rule before it is pending, which may yet accept, it waits. At the end of a chain whose default is DROP it so
    reports what is refused, and nothing else. A flow is logged once unless ``each: packet``, which keeps its verdicts
    from being final."""

    kind: ClassVar[str] = "log"
    scope: ClassVar = "packet"
    decides: ClassVar[bool] = False

    each: Literal["flow", "packet"] = Field(default="flow", description="once a flow, or every packet")
    message: str = Field(default="logged by rule", max_length=200, description="the event's alert.signature")
    rate: int = Field(
        default=300, ge=1, le=1_000_000, description="events a second at most; the rest are counted as log.suppressed"
    )

    def concerns(self, flow: Flow) -> bool:
        return self.each == "packet" or not flow.ext or id(self) not in flow.ext.get(_EXT, ())

    def compile(self, host: Host) -> Matcher:
        each_packet = self.each == "packet"
        rate = self.rate
        mark = id(self)
        signature = self.message
        second, written = 0, 0

        def match(packet: Packet, flow: Flow) -> Answer:
            nonlocal second, written
            if not each_packet:
                if flow.ext is None:
                    flow.ext = {}
                seen = flow.ext.setdefault(_EXT, set())
                if mark in seen:
                    return NO
                seen.add(mark)
            now = int(packet.time)
            if now != second:
                second, written = now, 0
            if written < rate:
                written += 1
                host.emit("alert", flow, packet, alert=alert(signature))
            else:
                host.count("log.suppressed")
            return NO

        return match
