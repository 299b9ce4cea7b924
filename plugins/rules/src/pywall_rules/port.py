"""``port``: source and destination ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema, model_validator

from pywall_core.api import Flow, Matcher, Packet, RuleIndex, RuleKind, SetType

from .matching import match_ports
from .ports import PORT_PROTOCOLS, PortSet

if TYPE_CHECKING:
    from pywall_core.api import Host, Surroundings

_ONE = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 65535},
        {"type": "string", "pattern": r"^(@.+|\d+ *- *\d+)$"},
    ]
}
_SCHEMA = {"anyOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1}]}
Ports = Annotated[InstanceOf[PortSet], BeforeValidator(PortSet.parse), WithJsonSchema(_SCHEMA)]


class Port(RuleKind):
    """Matches by the packet's own ports, as iptables does: a reply comes *from* the server's port. What is given must
    match; protocols without ports never do."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    kind: ClassVar[str] = "port"

    protocol: Literal["tcp", "udp", "dccp", "sctp", "udplite"] | None = Field(
        default=None, description="the transport protocol; without it any that has ports"
    )
    src: Ports | None = Field(default=None, description='source port: a number, a range "1000-2000", or a list of both')
    dst: Ports | None = Field(default=None, description="destination port, in the same form")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.src is None and self.dst is None:
            raise ValueError("'src' or 'dst' is missing or empty (for all ports: the rule 'protocol')")
        return self

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        return tuple((name, ("ports",)) for part in (self.src, self.dst) if part is not None for name in part.named)

    def covers(self, other: RuleKind) -> bool:
        return (
            isinstance(other, Port)
            and self.protocol in (None, other.protocol)
            and all(
                mine is None
                or (theirs is not None and mine.ports >= theirs.ports and set(theirs.named) <= set(mine.named))
                for mine, theirs in ((self.src, other.src), (self.dst, other.dst))
            )
        )

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterator[tuple[str, str, str]]:
        for parameter in ("dst", "src"):
            entries = given.get(parameter)
            if 0 in (entries if isinstance(entries, list) else [entries]):
                yield parameter, "W032", "0 is a port that no service has, and not any port: for any leave the key out"

    def index(self, host: Host) -> tuple[RuleIndex, ...]:
        return tuple(
            RuleIndex(("port", way), look, ranges=part.ranges(), sets=tuple(host.sets[name] for name in part.named))
            for way, look, part in (("dst", _look_dst, self.dst), ("src", _look_src, self.src))
            if part is not None
        )

    def compile(self, host: Host) -> Matcher:
        protocols = (
            frozenset(PORT_PROTOCOLS.values()) if self.protocol is None else frozenset({PORT_PROTOCOLS[self.protocol]})
        )
        from_port = None if self.src is None else self.src.bound(host.sets)
        to_port = None if self.dst is None else self.dst.bound(host.sets)
        return match_ports(protocols, from_port, to_port)


def _look_src(packet: Packet, flow: Flow) -> tuple[int]:
    return (packet.sport,)


def _look_dst(packet: Packet, flow: Flow) -> tuple[int]:
    return (packet.dport,)
