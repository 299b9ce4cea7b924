"""RuleIndex: what a rule can only match by, so that many rules of one kind are found by one look-up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from .flow import Flow
from .packet import Packet


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """Keys of which a packet must have one; to all others the rule answers NO.

    ``table`` names what is looked up: rules with equal tables stand in one, and their ``look`` does the same.
    ``look(packet, flow)`` gives the packet's keys; None means that every rule of the table answers PENDING.
    ``keys`` are the rule's own, ``ranges`` pairs of first and last key, both inclusive. The keys of a table that has
    ranges can be ordered. A key may be wider than the rule: the rule is asked all the same.
    """

    table: Hashable
    look: Callable[[Packet, Flow], Sequence[Any] | None]
    keys: tuple[Hashable, ...] = ()
    ranges: tuple[tuple[Any, Any], ...] = ()
