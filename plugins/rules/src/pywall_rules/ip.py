"""``ip``: source and destination addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema, model_validator

from pywall_core.api import Flow, Matcher, Packet, RuleIndex, RuleKind, SetType

from .addresses import AddressSet, network_meant, with_host_bits
from .matching import match_addresses

if TYPE_CHECKING:
    from pywall_core.api import Host, Surroundings

_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"type": "object", "properties": {"file": {"type": "string"}}, "required": ["file"]},
    ]
}
Addresses = Annotated[InstanceOf[AddressSet], BeforeValidator(AddressSet.parse), WithJsonSchema(_SCHEMA)]


class Ip(RuleKind):
    """Matches by the packet's own addresses, as iptables does: ``src`` of a reply is the server's. Where both are
    given, both must match."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    kind: ClassVar[str] = "ip"
    examples: ClassVar = ({"src": "192.0.2.0/24"}, {"dst": ["2001:db8::1", "198.51.100.2"]})

    src: Addresses | None = Field(
        default=None,
        description="source: an address or CIDR network (IPv4, IPv6), a list, {file: PATH}, one a line, "
        "or @NAME for a named set",
    )
    dst: Addresses | None = Field(default=None, description="destination, in the same form")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.src is None and self.dst is None:
            raise ValueError("'src' or 'dst' is missing or empty")
        return self

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        return tuple((name, ("addresses",)) for part in (self.src, self.dst) if part is not None for name in part.named)

    def kernel_sets(self) -> tuple[str, str] | None:
        given = [(way, part) for way, part in (("src", self.src), ("dst", self.dst)) if part is not None]
        if len(given) != 1 or len(given[0][1].named) != 1 or not given[0][1].empty():
            return None
        return given[0][1].named[0], given[0][0]

    def covers(self, other: RuleKind) -> bool:
        return isinstance(other, Ip) and all(
            mine is None or (theirs is not None and mine.covers(theirs))
            for mine, theirs in ((self.src, other.src), (self.dst, other.dst))
        )

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterator[tuple[str, str, str]]:
        for parameter in ("src", "dst"):
            value = given.get(parameter)
            for entry in value if isinstance(value, list) else [value]:
                if entry in _UNSPECIFIED:
                    yield parameter, "W013", f"{entry} is one address, that of no host; for all of them write {entry}/0"
                network = with_host_bits(entry)
                if network is not None:
                    yield parameter, "W012", f"{entry} has host bits: write {network} for the network"
                meant = network_meant(entry)
                if meant is not None:
                    alone = f"{entry}/{meant.max_prefixlen} for it alone"
                    yield parameter, "W012", f"{entry} is one address: write {meant} for the network, {alone}"

    def index(self, host: Host) -> tuple[RuleIndex, ...]:
        return tuple(
            RuleIndex(("ip", way), look, ranges=part.ranges(), sets=tuple(host.sets[name] for name in part.named))
            for way, look, part in (("dst", _look_dst, self.dst), ("src", _look_src, self.src))
            if part is not None
        )

    def compile(self, host: Host) -> Matcher:
        src, dst = self.src, self.dst
        return match_addresses(
            None if src is None else src.bound(host.sets), None if dst is None else dst.bound(host.sets)
        )


#: addresses of a host that has none yet
_UNSPECIFIED: Final = ("0.0.0.0", "::")  # noqa: S104


def _look_src(packet: Packet, flow: Flow) -> tuple[bytes]:
    return (packet.src,)


def _look_dst(packet: Packet, flow: Flow) -> tuple[bytes]:
    return (packet.dst,)
