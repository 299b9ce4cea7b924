"""Runs of rules found by look-up: a walk asks only the rules that may match.

Each rule is in one table, by what it looks up; a run may have rules of several tables between one another. The
tables only leave out rules whose answer is NO. The others are asked one after the other, in the chain's order, so first
match, counters, ``observe`` and jumps are those of a walk from rule to rule.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Final

from ..config import AllOf, BoundRule, leaves
from ..model.host import Host
from ..model.rule_index import RuleIndex
from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .compile import in_order, is_pure
from .rule import Rule, Run, Table

#: a shorter run is asked rule by rule
MIN_RULES: Final = 16


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
