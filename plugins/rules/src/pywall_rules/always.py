"""``always``: every packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pywall_core.api import YES, Answer, Flow, Matcher, Packet, RuleKind

if TYPE_CHECKING:
    from pywall_core.api import Host


def _yes(packet: Packet, flow: Flow) -> Answer:
    return YES


class Always(RuleKind):
    """Matches every packet."""

    kind: ClassVar[str] = "always"
    scope: ClassVar = "direction"

    def covers(self, other: RuleKind) -> bool:
        return True

    def compile(self, host: Host) -> Matcher:
        return _yes
