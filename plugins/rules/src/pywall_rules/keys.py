"""Whom a rule counts for: one address, a network around it, a pair of hosts, everybody; and tables of them that are
bounded, so that no flood of sources grows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import Field

from pywall_core.api import Flow, RuleKind, SetType

if TYPE_CHECKING:
    from pywall_core.api import Host

By = Literal["source", "destination", "pair", "service", "all"]
SetName = Annotated[str, Field(pattern=r"^@[A-Za-z0-9_.-]+$")]
Key = tuple[object, ...]
V = TypeVar("V")

#: Keys that one rule remembers; beyond it the oldest is forgotten.
MAX_KEYS: Final = 65_536


class Counting(RuleKind):
    """Base of kinds that count flows or packets of somebody."""

    by: By | SetName = Field(
        default="source",
        description="for whom it is counted: the flow's source, its destination, the pair, the service (destination, "
        "protocol and port), all together, or @NAME: all sources in that set together, and nobody else",
    )
    prefix4: int = Field(default=32, ge=1, le=32, description="bits of an IPv4 address that count: 24 for networks")
    prefix6: int = Field(default=64, ge=1, le=128, description="bits of an IPv6 address that count")

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        return ((self.by[1:], ("addresses",)),) if self.by.startswith("@") else ()

    def key_of(self, host: Host) -> Callable[[Flow], Key | None]:
        """Return a function that gives a flow's key, None where it does not count. ``source`` is who began the flow,
        whatever way the packet goes.
        """
        four, six = (32 - self.prefix4, 128 - self.prefix6)

        def network(address: bytes) -> object:
            cut = four if len(address) == 4 else six
            return int.from_bytes(address) >> cut if cut else address

        if self.by.startswith("@"):
            members = host.sets[self.by[1:]]
            return lambda flow: () if flow.src in members else None
        if self.by == "source":
            return lambda flow: (network(flow.src),)
        if self.by == "destination":
            return lambda flow: (network(flow.dst),)
        if self.by == "pair":
            return lambda flow: (network(flow.src), network(flow.dst))
        if self.by == "service":
            return lambda flow: (network(flow.dst), flow.proto, flow.dport)
        return lambda flow: ()


def remember(table: dict[Key, V], key: Key, value: V) -> None:
    """Put a new key into a table; the one that was put there first gives way when it is full."""
    if len(table) >= MAX_KEYS and key not in table:
        del table[next(iter(table))]
    table[key] = value
