"""Rules compiled: each condition becomes one function of packet and flow, which tells what its answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..config import AllOf, AnyOf, BoundRule, Condition, Not, leaves
from ..model.flow import Flow
from ..model.host import Host
from ..model.matcher import Matcher
from ..model.packet import Packet
from ..model.rule_kind import RuleKind
from ..model.verdict import NO, Action, Answer
from .conditions import match_all, match_any, match_not
from .rule import Rule


@dataclass(slots=True)
class Asked:
    """What a walk rested on: rules of packet scope that were really asked, and facts."""

    packet: bool = False
    facts: set[str] = field(default_factory=set)


#: may give a kind another matcher than its own, None: it does not
Leaf = Callable[[RuleKind, Asked], Matcher | None]


class Compiler:
    """Compiles rules for one :class:`Asked`. ``owners`` names the plugin of each rule kind."""

    def __init__(self, host: Host, owners: Mapping[str, str], asked: Asked, leaf: Leaf | None) -> None:
        self._host = host
        self._owners = owners
        self._asked = asked
        self._instead = leaf

    def rule(self, bound: BoundRule, chain: str) -> Rule:
        """Return the rule, ready to be asked."""
        given = bound.action
        action: Action | None = given if isinstance(given, Action) else None
        target: str | None = None if isinstance(given, Action) else given
        return Rule(
            match=self._condition(bound.condition),
            path=bound.place,
            where=bound.mark,
            plugin=self._owners.get(next(leaves(bound.condition)).kind, "core"),
            chain=chain,
            action=action,
            target=target,
            observe=bound.observe,
            comment=bound.comment,
            title=bound.title,
            add=bound.add,
            decides=all(kind.decides for kind in leaves(bound.condition)),
            fixed=not bound.observe and bound.add is None and all(_is_fixed(kind) for kind in leaves(bound.condition)),
        )

    def _condition(self, condition: Condition) -> Matcher:
        if isinstance(condition, AllOf):
            return match_all([self._condition(part) for part in in_order(condition)])
        if isinstance(condition, AnyOf):
            return match_any([self._condition(part) for part in condition.parts])
        if isinstance(condition, Not):
            return match_not(self._condition(condition.part))
        return self._leaf(condition)

    def _leaf(self, kind: RuleKind) -> Matcher:
        """Return the kind's matcher, made to tell ``asked`` what the walk rested on."""
        if self._instead is not None:
            instead = self._instead(kind, self._asked)
            if instead is not None:
                return instead
        match = kind.compile(self._host)
        asked = self._asked
        facts = kind.asks()
        if kind.scope == "packet":
            concerns = kind.concerns

            def packet_leaf(packet: Packet, flow: Flow) -> Answer | Action:
                if not concerns(flow):
                    return NO
                asked.packet = True
                for fact in facts:  # one, as a rule: to update a set costs four times as much
                    asked.facts.add(fact)
                return match(packet, flow)

            return packet_leaf
        if facts:

            def fact_leaf(packet: Packet, flow: Flow) -> Answer | Action:
                for fact in facts:  # one, as a rule: to update a set costs four times as much
                    asked.facts.add(fact)
                return match(packet, flow)

            return fact_leaf
        return match


def in_order(condition: AllOf) -> list[Condition]:
    """Return the parts, those that ask facts behind those beside them that do not: where an address answers NO, no fact
    is waited for. What counts, or looks at each packet, keeps its place: it sees what the parts before it let through.
    """
    found: list[Condition] = []
    facts: list[Condition] = []
    for part in condition.parts:
        if not isinstance(part, RuleKind) or not is_pure(part):
            found += [*facts, part]
            facts = []
        elif part.asks():
            facts.append(part)
        else:
            found.append(part)
    return [*found, *facts]


def is_pure(kind: RuleKind) -> bool:
    """Return True where asking changes nothing, and facts, addresses, ports and interfaces tell all."""
    return kind.decides and kind.scope != "packet" and kind.state != "host"


def _is_fixed(kind: RuleKind) -> bool:
    """Return True where only addresses and ports tell: no fact, no interface, no set whose entries change."""
    looks_at_packet = kind.scope == "direction" and not kind.needs_interfaces
    return looks_at_packet and kind.decides and kind.state != "host" and not kind.asks() and not kind.sets()


def waits(bound: Mapping[str, list[BoundRule]], name: str, known: dict[str, bool]) -> bool:
    """Return True when a rule of the chain, or of one that it jumps to, asks facts or single packets."""
    found = known.get(name)
    if found is None:
        found = known[name] = any(
            any(kind.scope == "packet" or kind.asks() for kind in leaves(rule.condition))
            or (rule.action is not None and not isinstance(rule.action, Action) and waits(bound, rule.action, known))
            for rule in bound.get(name, ())
        )
    return found
