"""RuleIndex: what a rule can only match by, so that thousands of rules are found by one look-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from .flow import Flow
from .named_set import NamedSet
from .packet import Packet


class PendingKeys(tuple[frozenset[Any]]):
    """A set of keys whose rules all answer PENDING."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """Keys of which a packet must have one; to all others the rule answers NO.

    ``table`` names what is looked up: rules with equal tables share one, and their ``look`` does the same.
    ``look(packet, flow)`` gives the packet's keys; None means that every rule of the table answers PENDING,
    ``RuleIndex.pending(keys)`` that every rule with one of these keys does.
    ``keys`` are the rule's own, ``ranges`` pairs of first and last key, both inclusive. The keys of a table that has
    ranges can be ordered. ``literals``: each key of the packet is a text, and one of these is part of it, upper and
    lower case alike; an empty one is part of all. ``sets``: a key is in one of them. What is found may be wider than
    the rule: the rule is asked all the same.
    """

    table: Hashable
    look: Callable[[Packet, Flow], Sequence[Any] | None]
    keys: tuple[Hashable, ...] = ()
    ranges: tuple[tuple[Any, Any], ...] = ()
    literals: tuple[str, ...] = ()
    sets: tuple[NamedSet, ...] = ()

    @staticmethod
    def pending(keys: frozenset[Any]) -> Sequence[Any]:
        """Return keys whose rules all answer PENDING, for ``look``."""
        return PendingKeys((keys,))

    @staticmethod
    def literal_in_glob(pattern: str) -> str:
        """Return the longest text that is in all that a shell pattern matches; it may be empty."""
        return max(re.split(r"(?s)\*|\?|\[.*", pattern), key=len)
