"""``seen``: somebody who came so often in so long."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet

from .keys import Counting, Key, remember
from .rate import Duration

if TYPE_CHECKING:
    from pywall_core.api import Host

_EXT = "rules.seen"


class Seen(Counting):
    """Matches a flow when its key was seen ``times`` times or more ``within`` a time, this one among them. It counts
    each flow once, when the walk first comes to the rule: put it last in ``all``, behind the conditions that count."""

    kind: ClassVar[str] = "seen"
    scope: ClassVar = "packet"
    state: ClassVar = "host"
    examples: ClassVar = ({"times": 5, "within": "1m"},)

    times: int = Field(ge=1, le=1024, description="how often")
    within: Duration = Field(description="in how long: 30s, 10m, 2h, 1d")

    def concerns(self, flow: Flow) -> bool:
        """A flow that was counted keeps its answer, and its verdict can be final."""
        return flow.ext is None or flow.ext.get(_EXT, {}).get(id(self)) is not NO

    def compile(self, host: Host) -> Matcher:
        key_of, times, within = self.key_of(host), self.times, self.within
        table: dict[Key, deque[float]] = {}
        mark = id(self)

        def match(packet: Packet, flow: Flow) -> Answer:
            if flow.ext is None:
                flow.ext = {}
            answers = flow.ext.setdefault(_EXT, {})
            if mark in answers:
                found: Answer = answers[mark]
                return found
            key = key_of(flow)
            if key is None:
                answers[mark] = NO
                return NO
            times_seen = table.get(key)
            if times_seen is None:
                times_seen = deque(maxlen=times)
                remember(table, key, times_seen)
            times_seen.append(packet.time)
            often = len(times_seen) == times and packet.time - times_seen[0] <= within
            answers[mark] = YES if often else NO
            return YES if often else NO

        return match
