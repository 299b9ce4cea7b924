"""``limit``: more than so many connections, packets or bytes in a time, or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet

from .keys import Counting, Key, remember
from .rate import Rate

if TYPE_CHECKING:
    from pywall_core.api import Host

_EXT = "rules.limit"


class Limit(Counting):
    """Matches what is over a limit: with ``over: 10/m`` and DROP, ten connections a minute from each source pass and
    the rest is dropped. Counting is a token bucket: ``burst`` may come at once, then as many as the rate says. What is
    refused is not counted. With ``concurrent: 20`` it matches new connections of those who have twenty."""

    kind: ClassVar[str] = "limit"
    scope: ClassVar = "packet"
    state: ClassVar = "host"
    examples: ClassVar = ({"over": "10/m"}, {"concurrent": 20, "by": "pair"})

    over: Rate | None = Field(default=None, description="what passes: 10/s, 100/m, 5/h; for bytes also 2MB/s")
    of: Literal["connections", "packets", "bytes"] = Field(
        default="connections", description="what is counted; a connection is one flow, of any protocol"
    )
    burst: int | None = Field(
        default=None, ge=1, description="how many may come at once; without it 5, or what the rate gives in 20 ms"
    )
    concurrent: int | None = Field(default=None, ge=1, description="connections at once, instead of a rate")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.over is None) == (self.concurrent is None):
            raise ValueError("exactly one of 'over' and 'concurrent' is given")
        return self

    @property
    def depth(self) -> float:
        """Tokens of a full bucket: the burst, else 5 or what the rate gives in 20 ms, and no more than in an hour."""
        rate = self.over or 1.0
        return float(self.burst) if self.burst is not None else max(1.0, min(max(5.0, rate / 50), rate * 3600))

    def concerns(self, flow: Flow) -> bool:
        """A connection that was let in is not counted again, and its verdict can be final."""
        return self.of != "connections" or flow.ext is None or id(self) not in flow.ext.get(_EXT, ())

    def compile(self, host: Host) -> Matcher:
        return self._at_once(host) if self.concurrent is not None else self._rate(host)

    def _rate(self, host: Host) -> Matcher:
        key_of, depth, rate = self.key_of(host), self.depth, self.over or 1.0
        connections, in_bytes = self.of == "connections", self.of == "bytes"
        if in_bytes:
            depth = max(depth, 65_536.0)
        buckets: dict[Key, tuple[float, float]] = {}

        def match(packet: Packet, flow: Flow) -> Answer:
            if connections and _admitted(flow, self):
                return NO
            key, now = key_of(flow), packet.time
            if key is None:
                return NO
            bucket = buckets.get(key)
            if bucket is None:
                tokens = depth
            else:
                left, last = bucket
                tokens = min(depth, left + max(0.0, now - last) * rate)
            cost = float(packet.length) if in_bytes else 1.0
            if tokens < cost:
                return YES
            remember(buckets, key, (tokens - cost, now))
            if connections:
                _admit(flow, self)
            return NO

        return match

    def _at_once(self, host: Host) -> Matcher:
        key_of, most = self.key_of(host), self.concurrent or 1
        find = host.flows.find
        open_flows: dict[Key, dict[int, bytes]] = {}

        def match(packet: Packet, flow: Flow) -> Answer:
            if _admitted(flow, self):
                return NO
            key = key_of(flow)
            if key is None:
                return NO
            known = open_flows.get(key)
            if known is None:
                known = {}
                remember(open_flows, key, known)
            if len(known) >= most:
                for number, flow_key in [*known.items()]:
                    there = find(flow_key)
                    if there is None or there.id != number or there.state == "closed":
                        del known[number]
            if len(known) >= most:
                return YES
            known[flow.id] = flow.key
            _admit(flow, self)
            return NO

        return match


def _admitted(flow: Flow, rule: Limit) -> bool:
    return flow.ext is not None and id(rule) in flow.ext.get(_EXT, ())


def _admit(flow: Flow, rule: Limit) -> None:
    if flow.ext is None:
        flow.ext = {}
    flow.ext.setdefault(_EXT, set()).add(id(rule))
