"""Whom a rule counts for: one address, a network around it, a pair of hosts, everybody; and tables of them that are
bounded, so that no flood of sources grows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar

from pydantic import Field

from pywall_core.api import Flow, RuleKind

By = Literal["source", "destination", "pair", "service", "all"]
Key = tuple[object, ...]
V = TypeVar("V")

#: Keys that one rule remembers; beyond it the oldest is forgotten.
MAX_KEYS: Final = 65_536


class Counting(RuleKind):
    """Base of kinds that count flows or packets of somebody."""

    by: By = Field(
        default="source",
        description="for whom it is counted: the flow's source, its destination, the pair, the service (destination, "
        "protocol and port), or all together",
    )
    prefix4: int = Field(default=32, ge=1, le=32, description="bits of an IPv4 address that count: 24 for networks")
    prefix6: int = Field(default=64, ge=1, le=128, description="bits of an IPv6 address that count")

    def key_of(self) -> Callable[[Flow], Key]:
        """Return a function that gives a flow's key. ``source`` is who began the flow, whatever way the packet goes."""
        four, six = (32 - self.prefix4, 128 - self.prefix6)

        def network(address: bytes) -> object:
            cut = four if len(address) == 4 else six
            return int.from_bytes(address) >> cut if cut else address

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
