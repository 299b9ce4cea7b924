"""Runs of rules found by look-up: a walk asks only the rules that may match.

Each rule is in one table, by what it looks up, one with ``any`` in a table for each part; a run may have rules of
several tables between one another. The tables only leave out rules whose answer is NO. The others are asked one after
the other, in the chain's order, so first match, counters, ``observe`` and jumps are those of a walk from rule to rule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Final

from ..config import AllOf, AnyOf, BoundRule, Condition, leaves
from ..model.host import Host
from ..model.rule_index import RuleIndex
from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .compile import in_order, is_pure
from .rule import Rule, Run, Table

#: a shorter run is asked rule by rule
MIN_RULES: Final = 16


@dataclass(frozen=True, slots=True)
class _Way:
    """A look-up that finds the rule: an index, the facts that the rule asks, and, where it asks facts, its conditions
    beside the index. Rules share a table where all of these are alike: while the index's facts are open, one of them
    stands for the others.
    """

    index: RuleIndex
    facts: tuple[str, ...] = ()
    beside: Hashable = ()

    @property
    def table(self) -> Hashable:
        return self.index.table, self.facts, self.beside


#: ways of which each alone would do
_Choice = tuple[_Way, ...]


def make_runs(rules: list[Rule], bound: list[BoundRule], host: Host, instead: Callable[[RuleKind], bool]) -> None:
    """Set ``run`` of each rule that begins a run. ``instead(kind)`` says that a kind is not asked by its own matcher.

    ``outcomes`` of the rules are known by then.
    """
    choices = [_choices(rule.condition, rule, host, instead) for rule in bound]
    different = _keys_by_table(choices)
    chosen = [[max(choice, key=lambda way: different[way.table]) for choice in one] for one in choices]
    for begin, end in _stretches(rules, chosen):
        _begin_run(rules, begin, chosen[begin:end], _repetitions(bound[begin:end]))


def _stretches(rules: list[Rule], chosen: list[list[_Way]]) -> Iterator[tuple[int, int]]:
    """Yield where runs begin and end. Rules whose answers stay the same for a flow have a run of their own where they
    begin one: later walks begin behind it.
    """
    at = 0
    while at < len(chosen):
        end = at
        while end < len(chosen) and chosen[end]:
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


def _begin_run(rules: list[Rule], begin: int, chosen: list[list[_Way]], again: set[int]) -> None:
    members = rules[begin : begin + len(chosen)]
    by_table: dict[Hashable, list[tuple[int, RuleIndex]]] = {}
    asks: dict[Hashable, bool] = {}
    for position, ways in enumerate(chosen):
        for way in ways if position not in again else ():
            by_table.setdefault(way.table, []).append((position, way.index))
            asks[way.table] = bool(way.facts)
    tables: list[Table] = []
    others: list[int] = []
    for name, entries in by_table.items():
        table_of = Table(entries, members, asks[name])
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
        said = _said((rule.condition, rule.action))
        if said in seen:
            found.add(position)
        elif said is not None:
            seen.add(said)
    return found


def _choices(condition: Condition, rule: BoundRule, host: Host, instead: Callable[[RuleKind], bool]) -> list[_Choice]:
    """Return a choice for each part of ``any``, one for other conditions; none where the rule must always be asked."""
    if isinstance(condition, AnyOf):
        found: list[_Choice] = []
        for part in condition.parts:
            own = _choices(part, rule, host, instead)
            if not own or any(way.facts for choice in own for way in choice):
                return []
            found += own
        return found
    parts = in_order(condition) if isinstance(condition, AllOf) else [condition]
    choice: list[_Way] = []
    for part in parts:
        # a part that asks facts, counts, or looks at each packet is asked before those behind it
        if not isinstance(part, RuleKind) or not is_pure(part) or part.asks():
            break
        choice += [_Way(index) for index in _indexes(part, host, instead)]
    kinds = [part for part in parts if isinstance(part, RuleKind) and is_pure(part)]
    facts = tuple(fact for kind in kinds for fact in kind.asks())
    # while facts are open, some rules stand for the table: this takes rules that only decide
    if len(kinds) == len(parts) and facts and not rule.observe and isinstance(rule.action, Action):
        for at, kind in enumerate(kinds):
            beside = _said((*kinds[:at], *kinds[at + 1 :]))
            if kind.asks() and beside is not None:
                choice += [_Way(index, facts, beside) for index in _indexes(kind, host, instead)]
    return [tuple(choice)] if choice else []


def _indexes(kind: RuleKind, host: Host, instead: Callable[[RuleKind], bool]) -> tuple[RuleIndex, ...]:
    found = None if instead(kind) else kind.index(host)
    return () if found is None else found if isinstance(found, tuple) else (found,)


def _said(value: object) -> Hashable:
    """Return what is alike where ``value`` says the same, types too (1 is not True). None: it cannot be compared."""
    said = value, repr(value)
    try:
        hash(said)
    except TypeError:
        return None
    return said


def _keys_by_table(choices: list[list[_Choice]]) -> dict[Hashable, int]:
    """Return how many different keys the rules have in each table: the more, the fewer rules one look-up finds."""
    found: dict[Hashable, set[object]] = {}
    for way in (way for one in choices for choice in one for way in choice):
        index = way.index
        own = index.keys, index.ranges, index.literals, tuple(one.name for one in index.sets)
        found.setdefault(way.table, set()).add(own)
    return {table: len(keys) for table, keys in found.items()}
