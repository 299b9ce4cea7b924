"""Rule: a compiled rule, and Run: consecutive rules of which a look-up finds those that may match.

A rule knows the run that it begins, and a run knows its rules.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from ..config.set_addition import SetAddition
from ..model.flow import Flow
from ..model.matcher import Matcher
from ..model.packet import Packet
from ..model.rule_index import PendingKeys, RuleIndex
from ..model.verdict import Action
from .literals import Literals
from .set_members import MIN_SETS, SetMembers

#: a table of ranges that overlap may have this many entries a rule; beyond it the rules are asked one by one
MAX_ENTRIES_A_RULE: Final = 64


@dataclass(slots=True)
class Rule:
    """A compiled rule. ``outcomes`` is the mask of what its action can come to, ``target`` the chain of a jump."""

    match: Matcher
    path: str
    where: str
    plugin: str
    chain: str
    action: Action | None
    target: str | None
    observe: bool
    comment: str
    decides: bool = True
    #: its answer rests on addresses and ports alone, as does that of the whole run that it begins: it is the same for
    #: all packets of the flow at this hook in this direction
    fixed: bool = False
    title: str = ""
    add: SetAddition | None = None
    hits: int = 0
    #: time of the packet that it matched last, as Packet.time; below 0: none yet
    last: float = -1.0
    outcomes: int = 0
    #: of the first of several rules that are found by one look-up
    run: Run | None = None


@final
class Table:
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

    def __init__(self, rules: list[Rule], tables: list[Table], others: list[int]) -> None:
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
