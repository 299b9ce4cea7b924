"""Runs of rules that look up the same thing, as one table: a walk asks only the rules that may match.

The table only leaves out rules whose answer is NO. The others are asked one after the other, in the chain's order, so
first match, counters, ``observe`` and jumps are those of a walk from rule to rule.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final, final

from ..config import AllOf, BoundRule
from ..model.flow import Flow
from ..model.host import Host
from ..model.packet import Packet
from ..model.rule_index import RuleIndex
from ..model.rule_kind import RuleKind
from ..model.verdict import PENDING, Action, Answer
from .compile import Asked, Rule

#: a shorter run is asked rule by rule
MIN_RULES: Final = 16
#: a table of ranges that overlap may have this many entries a rule; beyond it the rules are asked one by one
MAX_ENTRIES_A_RULE: Final = 64


@final
class Run:
    """Consecutive rules with one table. ``length`` counts them."""

    def __init__(self, rules: list[Rule], indexes: list[RuleIndex], facts: tuple[str, ...]) -> None:
        self.length = len(rules)
        self._rules = rules
        self._facts = facts
        self._look: Callable[[Packet, Flow], Sequence[Any] | None] = indexes[0].look
        self._keys: dict[Hashable, list[int]] = {}
        for position, index in enumerate(indexes):
            for key in index.keys:
                self._keys.setdefault(key, []).append(position)
        self._points: list[Any] = sorted({end for index in indexes for ends in index.ranges for end in ends})
        self._slots: list[list[int]] = _slots(indexes, self._points)
        self.overflows = bool(self._points) and not self._slots
        self._pending = [_stand_in(rules)]

    def candidates(self, packet: Packet, flow: Flow, asked: Asked) -> list[Rule]:
        """Return the rules that may answer other than NO, in order. While all are PENDING, one stands for them."""
        if self._facts:
            asked.facts.update(self._facts)
        keys = self._look(packet, flow)
        if keys is None:
            return self._pending
        found: set[int] = set()
        for key in keys:
            found.update(self._keys.get(key, ()))
            if self._points:
                at = bisect_left(self._points, key)
                is_point = at < len(self._points) and self._points[at] == key
                found.update(self._slots[2 * at + is_point])
        return [self._rules[position] for position in sorted(found)]


def make_runs(rules: list[Rule], bound: list[BoundRule], host: Host, instead: Callable[[RuleKind], bool]) -> None:
    """Set ``run`` of each rule that begins a run. ``instead(kind)`` says that a kind is not asked by its own matcher.

    ``outcomes`` of the rules are known by then.
    """
    begin = 0
    indexes: list[RuleIndex] = []
    before: tuple[Hashable, tuple[str, ...]] | None = None
    for position in range(len(rules) + 1):
        found = None if position == len(rules) else _index(bound[position], host, instead)
        table = None if found is None else (found[0].table, found[1])
        if table is None or table != before:
            if before is not None:
                _begin_run(rules, begin, indexes, before[1])
            begin, indexes, before = position, [], table
        if found is not None:
            indexes.append(found[0])


def _begin_run(rules: list[Rule], begin: int, indexes: list[RuleIndex], facts: tuple[str, ...]) -> None:
    if len(indexes) < MIN_RULES:
        return
    run = Run(rules[begin : begin + len(indexes)], indexes, facts)
    if not run.overflows:
        rules[begin].run = run
        rules[begin].fixed = all(rule.fixed for rule in rules[begin : begin + len(indexes)])


def _index(
    rule: BoundRule, host: Host, instead: Callable[[RuleKind], bool]
) -> tuple[RuleIndex, tuple[str, ...]] | None:
    """Return the rule's index and the facts that it asks; None where the rule must always be asked."""
    condition = rule.condition
    kind = condition.parts[0] if isinstance(condition, AllOf) else condition
    if not isinstance(kind, RuleKind) or not kind.decides or kind.scope == "packet" or instead(kind):
        return None
    facts = kind.asks()
    # while facts are open, one rule stands for the run: this takes rules that only decide, by this kind alone
    if facts and (rule.observe or isinstance(condition, AllOf) or not isinstance(rule.action, Action)):
        return None
    index = kind.index(host)
    return None if index is None else (index, facts)


def _stand_in(rules: list[Rule]) -> Rule:
    """Return a rule that is PENDING with all that the rules may come to; it is called as the first of them."""
    first = rules[0]
    outcomes = 0
    for rule in rules:
        outcomes |= rule.outcomes
    return Rule(
        match=_pending,
        path=first.path,
        where=first.where,
        plugin=first.plugin,
        chain=first.chain,
        action=first.action,
        target=None,
        observe=False,
        comment=first.comment,
        title=first.title,
        outcomes=outcomes,
    )


def _pending(packet: Packet, flow: Flow) -> Answer | Action:
    return PENDING


def _slots(indexes: list[RuleIndex], points: list[Any]) -> list[list[int]]:
    """Return the positions of the rules that cover each point, and each gap before a point: gap 0, point 0, gap 1 ...

    The list is empty where it would become too large.
    """
    number = {point: at for at, point in enumerate(points)}
    begins: list[list[int]] = [[] for _ in points]
    ends: list[list[int]] = [[] for _ in points]
    for position, index in enumerate(indexes):
        for first, last in index.ranges:
            begins[number[first]].append(position)
            ends[number[last]].append(position)
    open_ranges: dict[int, int] = {}
    slots: list[list[int]] = []
    room = MAX_ENTRIES_A_RULE * (len(indexes) + len(points))
    for begin, end in zip(begins, ends, strict=True):
        slots.append(list(open_ranges))
        for position in begin:
            open_ranges[position] = open_ranges.get(position, 0) + 1
        slots.append(list(open_ranges))
        for position in end:
            open_ranges[position] -= 1
            if not open_ranges[position]:
                del open_ranges[position]
        room -= len(slots[-1]) + len(slots[-2])
        if room < 0:
            return []
    slots.append([])
    return slots
