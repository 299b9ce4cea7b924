"""Runs of rules found by look-up: a walk asks only the rules that may match.

Each rule is in one table, by what it looks up; a run may have rules of several tables between one another. The
tables only leave out rules whose answer is NO. The others are asked one after the other, in the chain's order, so first
match, counters, ``observe`` and jumps are those of a walk from rule to rule.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final, final

from ..config import AllOf, BoundRule, leaves
from ..model.flow import Flow
from ..model.host import Host
from ..model.packet import Packet
from ..model.rule_index import PendingKeys, RuleIndex
from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .compile import Rule, in_order, is_pure
from .literals import Literals
from .set_members import MIN_SETS, SetMembers

#: a shorter run is asked rule by rule
MIN_RULES: Final = 16
#: a table of ranges that overlap may have this many entries a rule; beyond it the rules are asked one by one
MAX_ENTRIES_A_RULE: Final = 64


@final
class _Table:
    """Rules that look up the same thing, by their position in the run.

    ``waiting`` are the positions that stand for all while every rule is PENDING: the first of each action.
    ``always``: those that are asked whatever is found, the first where facts are asked: it tells the walk which.
    """

    def __init__(self, entries: list[tuple[int, RuleIndex]], rules: list[Rule], asks: bool) -> None:
        self.waiting = _first_of_each_action([position for position, _ in entries], rules)
        self.always = [entries[0][0]] if asks else []
        self._look: Callable[[Packet, Flow], Sequence[Any] | None] = entries[0][1].look
        self._keys: dict[Hashable, list[int]] = {}
        sets: dict[int, tuple[Any, list[int]]] = {}
        for position, index in entries:
            for key in index.keys:
                self._keys.setdefault(key, []).append(position)
            for one in index.sets:
                sets.setdefault(id(one), (one, []))[1].append(position)
        #: by action: the first rule of each key, in order
        self._first: dict[Action | None, dict[Hashable, int]] = {}
        for position, index in entries if asks else ():
            for key in index.keys:
                self._first.setdefault(rules[position].action, {}).setdefault(key, position)
        many = len(sets) >= MIN_SETS and len({one.type for one, _ in sets.values()}) == 1
        self._many_sets = SetMembers(list(sets.values())) if many else None
        self._sets = [] if many else list(sets.values())
        self._points: list[Any] = sorted({end for _, index in entries for ends in index.ranges for end in ends})
        self._slots: list[list[int]] = _slots(entries, self._points)
        literals = [(position, index.literals) for position, index in entries if index.literals]
        self._literals = Literals(literals) if literals else None
        self.overflows = bool(self._points) and not self._slots

    def find(self, packet: Packet, flow: Flow, found: set[int]) -> None:
        """Add the positions of the rules that may answer other than NO."""
        found.update(self.always)
        keys = self._look(packet, flow)
        if keys is None:
            found.update(self.waiting)
            return
        if type(keys) is PendingKeys:
            (open_keys,) = keys
            for first in self._first.values():
                found.update(next(([position] for key, position in first.items() if key in open_keys), ()))
            return
        for key in keys:
            positions = self._keys.get(key)
            if positions is not None:
                found.update(positions)
            if self._points:
                at = bisect_left(self._points, key)
                is_point = at < len(self._points) and self._points[at] == key
                found.update(self._slots[2 * at + is_point])
            if self._literals is not None:
                found.update(self._literals.find(key))
            if self._many_sets is not None:
                for those in self._many_sets.find(key):
                    found.update(those)
            for members, those in self._sets:
                if key in members:
                    found.update(those)


@final
class Run:
    """Consecutive rules with their tables. ``length`` counts them."""

    def __init__(self, rules: list[Rule], tables: list[_Table], others: list[int]) -> None:
        self.length = len(rules)
        self._rules = rules
        self._tables = tables
        #: positions of rules that are always asked
        self._others = others

    def candidates(self, packet: Packet, flow: Flow) -> list[Rule]:
        """Return the rules that may answer other than NO, in order; while many are PENDING, some that stand for all."""
        found = set(self._others)
        for table in self._tables:
            table.find(packet, flow, found)
        rules = self._rules
        return [rules[position] for position in sorted(found)]


def _first_of_each_action(positions: list[int], rules: list[Rule]) -> list[int]:
    found: dict[Action | None, int] = {}
    for position in positions:
        found.setdefault(rules[position].action, position)
    return list(found.values())


#: indexes of which each alone would do, and the facts that the rule asks
_Choice = tuple[tuple[RuleIndex, ...], tuple[str, ...]]


def make_runs(rules: list[Rule], bound: list[BoundRule], host: Host, instead: Callable[[RuleKind], bool]) -> None:
    """Set ``run`` of each rule that begins a run. ``instead(kind)`` says that a kind is not asked by its own matcher.

    ``outcomes`` of the rules are known by then.
    """
    choices = [_choice(rule, host, instead) for rule in bound]
    different = _keys_by_table(choices)
    chosen = [
        None if one is None else (max(one[0], key=lambda index: different[index.table]), one[1]) for one in choices
    ]
    for begin, end in _stretches(rules, chosen):
        again = _repetitions(bound[begin:end])
        _begin_run(rules, begin, [one for one in chosen[begin:end] if one is not None], again)


def _stretches(rules: list[Rule], chosen: list[tuple[RuleIndex, tuple[str, ...]] | None]) -> Iterator[tuple[int, int]]:
    """Yield where runs begin and end. Rules whose answers stay the same for a flow have a run of their own where they
    begin one: later walks begin behind it.
    """
    at = 0
    while at < len(chosen):
        end = at
        while end < len(chosen) and chosen[end] is not None:
            end += 1
        fixed = at
        while fixed < end and rules[fixed].fixed:
            fixed += 1
        if fixed - at >= MIN_RULES and fixed < end:
            yield at, fixed
            at = fixed
        if end - at >= MIN_RULES:
            yield at, end
        at = end + 1


def _begin_run(rules: list[Rule], begin: int, chosen: list[tuple[RuleIndex, tuple[str, ...]]], again: set[int]) -> None:
    members = rules[begin : begin + len(chosen)]
    by_table: dict[Hashable, list[tuple[int, RuleIndex]]] = {}
    asks: dict[Hashable, bool] = {}
    for position, (index, facts) in enumerate(chosen):
        if position in again:
            continue
        table = (index.table, facts)
        by_table.setdefault(table, []).append((position, index))
        asks[table] = bool(facts)
    tables: list[_Table] = []
    others: list[int] = []
    for name, entries in by_table.items():
        table_of = _Table(entries, members, asks[name])
        if table_of.overflows:
            others += [position for position, _ in entries]
        else:
            tables.append(table_of)
    if tables and len(others) <= len(members) // 2:
        rules[begin].run = Run(members, tables, others)
        rules[begin].fixed = all(rule.fixed for rule in members)


def _repetitions(bound: list[BoundRule]) -> set[int]:
    """Return the positions of rules that say what one before them says: whatever that answers, they add nothing."""
    seen: set[object] = set()
    found: set[int] = set()
    for position, rule in enumerate(bound):
        if rule.observe or rule.add is not None or not all(map(is_pure, leaves(rule.condition))):
            continue
        said = (rule.condition, rule.action)
        try:
            if said in seen:
                found.add(position)
            seen.add(said)
        except TypeError:  # a parameter that cannot be compared
            continue
    return found


def _choice(rule: BoundRule, host: Host, instead: Callable[[RuleKind], bool]) -> _Choice | None:
    """Return the rule's indexes; None where the rule must always be asked."""
    condition = rule.condition
    if not isinstance(condition, AllOf):
        return _indexes(condition, rule, host, instead)
    found: list[RuleIndex] = []
    for part in in_order(condition):
        # a part that asks facts, counts, or looks at each packet is asked before those behind it
        if not isinstance(part, RuleKind) or not is_pure(part) or part.asks():
            break
        indexes = _indexes(part, rule, host, instead)
        found += () if indexes is None else indexes[0]
    return (tuple(found), ()) if found else None


def _indexes(kind: object, rule: BoundRule, host: Host, instead: Callable[[RuleKind], bool]) -> _Choice | None:
    if not isinstance(kind, RuleKind) or not is_pure(kind) or instead(kind):
        return None
    facts = kind.asks()
    # while facts are open, some rules stand for the table: this takes rules that only decide, by this kind alone
    if facts and (rule.observe or not isinstance(rule.action, Action)):
        return None
    found = kind.index(host)
    if found is None:
        return None
    return (found if isinstance(found, tuple) else (found,)), facts


def _keys_by_table(choices: list[_Choice | None]) -> dict[Hashable, int]:
    """Return how many different keys the rules have in each table: the more, the fewer rules one look-up finds."""
    found: dict[Hashable, set[object]] = {}
    for choice in choices:
        for index in () if choice is None else choice[0]:
            own = index.keys, index.ranges, index.literals, tuple(one.name for one in index.sets)
            found.setdefault(index.table, set()).add(own)
    return {table: len(keys) for table, keys in found.items()}


def _slots(entries: list[tuple[int, RuleIndex]], points: list[Any]) -> list[list[int]]:
    """Return the positions of the rules that cover each point, and each gap before a point: gap 0, point 0, gap 1 ...

    The list is empty where it would become too large.
    """
    number = {point: at for at, point in enumerate(points)}
    begins: list[list[int]] = [[] for _ in points]
    ends: list[list[int]] = [[] for _ in points]
    for position, index in entries:
        for first, last in index.ranges:
            begins[number[first]].append(position)
            ends[number[last]].append(position)
    open_ranges: dict[int, int] = {}
    slots: list[list[int]] = []
    room = MAX_ENTRIES_A_RULE * (len(entries) + len(points))
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
