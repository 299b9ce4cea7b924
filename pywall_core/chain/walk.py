"""Rules compiled into the verdict chain: three-valued, first match decides.

Walking a chain collects the outcomes that are still possible. NO walks on; PENDING adds its action's outcomes and walks
on; YES adds its own and stops. One outcome left is the verdict. Several left: the packet passes if ACCEPT is among them
(a handshake must get through before anyone can know what it carries), else it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..config import AllOf, AnyOf, BoundRule, Condition, Default, Not, leaves
from ..config.set_addition import SetAddition
from ..model.flow import Flow
from ..model.host import Host
from ..model.packet import HOOK_NAMES, Packet
from ..model.rule_kind import Matcher, RuleKind
from ..model.verdict import ACCEPT, DROP, NO, PENDING, REJECT, YES, Action, Answer, Cause, Verdict

OUTCOME_BITS: Final = {ACCEPT: 1, DROP: 2, REJECT: 4}
#: masks of one outcome that lets nothing pass
_DENIALS: Final = (2, 4)
_BY_BIT: Final = {1: ACCEPT, 2: DROP, 4: REJECT}


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
    title: str = ""
    add: SetAddition | None = None
    hits: int = 0
    #: time of the packet that it matched last, as Packet.time; below 0: none yet
    last: float = -1.0
    outcomes: int = 0


@dataclass(slots=True)
class Step:
    """One rule's answer in a traced walk; ``outcomes`` is the mask collected after it."""

    rule: Rule
    answer: Answer | Action
    outcomes: int


@dataclass(slots=True)
class Asked:
    """What a walk rested on: rules of packet scope that were really asked, and facts."""

    packet: bool = False
    facts: set[str] = field(default_factory=set)


class Chains:
    """All chains of a configuration, compiled.

    ``owners`` names the plugin of each rule kind. ``walk`` gives the verdict for a packet;
    ``observed(rule, packet, flow)`` is called for a rule with ``observe`` that would have decided.
    ``leaf(kind, asked)`` may give a kind another matcher than its own.
    """

    def __init__(
        self,
        chains: Mapping[str, list[BoundRule]],
        default: Default,
        owners: Mapping[str, str],
        host: Host,
        observed: Callable[[Rule, Packet, Flow], None],
        leaf: Callable[[RuleKind, Asked], Matcher | None] | None = None,
        added: Callable[[Rule, Packet, Flow], None] | None = None,
    ) -> None:
        self._host = host
        self._fact_state = host.fact_state
        self._instead = leaf
        self._observed = observed
        self._added = added
        self.asked = Asked()
        self.bound = chains
        self._default = default
        self.default = {name: default.action(hook) for hook, name in HOOK_NAMES.items()}
        self._owners = owners
        #: in one walk: what the chains of pending jumps may come to, by name
        self._possible: dict[str, int] = {}
        self.rules = {name: [self._compile(bound, name) for bound in rules] for name, rules in chains.items()}
        known: dict[str, int] = {}
        for name in self.rules:
            self._outcomes_of(name, known)
        self._made: dict[tuple[str, Action, bool, Cause], Verdict] = {}
        self.unruled = Verdict(ACCEPT, True, "", "core", "", "no chain for this hook", Cause.NO_CHAIN)

    def variant(self, leaf: Callable[[RuleKind, Asked], Matcher | None]) -> Chains:
        """The same rules with other matchers, their own counters, and nobody told about observed rules."""
        return Chains(self.bound, self._default, self._owners, self._host, _ignore_observed, leaf)

    def decided_at_sight(self) -> frozenset[int]:
        """Hooks none of whose rules asks facts or single packets: a flow's first packet there is decided for good."""

        known: dict[str, bool] = {}
        return frozenset(hook for hook, name in HOOK_NAMES.items() if not _waits(self.bound, name, known))

    def fact_prefixes(self) -> frozenset[str]:
        """Return the protocols of the facts that rules ask for: ``http`` for ``http.hostname``."""
        kinds = (kind for rules in self.bound.values() for rule in rules for kind in leaves(rule.condition))
        return frozenset(name.partition(".")[0] for kind in kinds for name in kind.asks())

    def walk(self, packet: Packet, flow: Flow, trace: list[Step] | None = None) -> Verdict:
        """The verdict of the packet's hook; ``self.asked`` says what it rests on. Rules may raise."""
        hook = HOOK_NAMES[packet.hook]
        asked = self.asked
        asked.packet = False
        if asked.facts:
            asked.facts.clear()
        if self._possible:
            self._possible.clear()
        rules = self.rules.get(hook)
        if rules is None:
            return self.unruled
        outcomes, decider = self._collect(rules, packet, flow, hook, trace)
        action = _BY_BIT.get(outcomes)
        if action is None:
            return self._verdict(decider, hook, ACCEPT if outcomes & 1 else DROP, False, Cause.PENDING)
        return self._verdict(decider, hook, action, self._is_final(action, flow), Cause.RULE)

    def _collect(
        self, rules: list[Rule], packet: Packet, flow: Flow, hook: str, trace: list[Step] | None
    ) -> tuple[int, Rule | None]:
        """Mask of possible outcomes, and the first rule that contributed (None: the default)."""
        outcomes = 0
        decider: Rule | None = None
        passed_over: list[Rule] = []
        at = 0
        while at < len(rules):
            rule = rules[at]
            at += 1
            if outcomes and (rule.observe or not rule.decides):
                # a rule before it may still decide: what only reports waits until the walk comes here for certain
                if not rule.decides:
                    passed_over.append(rule)
                if trace is not None:
                    trace.append(Step(rule, PENDING, outcomes))
                continue
            answer = rule.match(packet, flow)
            if rule.add is not None and not outcomes and answer not in (NO, PENDING) and self._added is not None:
                self._added(rule, packet, flow)
            if answer is NO:
                if trace is not None:
                    trace.append(Step(rule, answer, outcomes))
                continue
            if rule.observe and answer is not PENDING:
                rule.hits += 1
                rule.last = packet.time
                self._observed(rule, packet, flow)
                continue
            if answer is PENDING:
                if not rule.observe:
                    outcomes |= self._come_to(rule, packet, flow, hook)
            elif answer is YES:
                rule.hits += 1
                rule.last = packet.time
                if rule.target is not None:
                    if trace is not None:
                        trace.append(Step(rule, answer, outcomes))
                    rules = self.rules[rule.target]
                    at = 0
                    continue
                outcomes |= rule.outcomes
            elif isinstance(answer, Action):
                rule.hits += 1
                rule.last = packet.time
                outcomes |= OUTCOME_BITS[answer]
            else:
                raise TypeError(f"rule {rule.path} answered {answer!r}")
            if decider is None:
                decider = rule
            if trace is not None:
                trace.append(Step(rule, answer, outcomes))
            if answer is not PENDING:
                return outcomes, decider
        outcomes |= OUTCOME_BITS[self.default[hook]]
        if passed_over and outcomes in _DENIALS:  # whichever rule decides: there is no later walk
            for rule in passed_over:
                rule.match(packet, flow)
        return outcomes, decider

    def _come_to(self, rule: Rule, packet: Packet, flow: Flow, hook: str) -> int:
        """Mask of what a rule's action may come to for this packet: for a jump, whatever its chain may come to."""
        if rule.target is None:
            return rule.outcomes
        known = self._possible.get(rule.target)
        if known is not None:
            return known
        mask = 0
        for inner in self.rules[rule.target]:
            if inner.observe or not inner.decides:
                continue
            answer = inner.match(packet, flow)
            if answer is NO:
                continue
            mask |= OUTCOME_BITS[answer] if isinstance(answer, Action) else self._come_to(inner, packet, flow, hook)
            if answer is not PENDING:
                break
        else:
            mask |= OUTCOME_BITS[self.default[hook]]
        self._possible[rule.target] = mask
        return mask

    def _is_final(self, action: Action, flow: Flow) -> bool:
        asked = self.asked
        if asked.packet:
            return False
        if action is not ACCEPT or not asked.facts:
            return True
        if flow.unacked:
            return False
        state = self._fact_state
        return all(state(flow, name) is YES for name in asked.facts)

    def _verdict(self, rule: Rule | None, hook: str, action: Action, final: bool, cause: Cause) -> Verdict:
        path = "default" if rule is None else rule.path
        key = (path, action, final, cause)
        made = self._made.get(key)
        if made is None:
            plugin, chain = ("core", hook) if rule is None else (rule.plugin, rule.chain)
            reason = "end of chain" if rule is None else rule.comment or f"{path} matched"
            if cause is Cause.PENDING:
                reason = "pending"
            title, where = (f"default {action.name}", "") if rule is None else (rule.title, rule.where)
            made = self._made[key] = Verdict(action, final, path, plugin, chain, reason, cause, title, where)
        return made

    def _outcomes_of(self, name: str, known: dict[str, int]) -> int:
        if name in known:
            return known[name]
        mask = 0
        for default in self.default.values():
            mask |= OUTCOME_BITS[default]
        for rule in self.rules[name]:
            if rule.target is not None:
                rule.outcomes = self._outcomes_of(rule.target, known)
            elif rule.action is not None:
                rule.outcomes = OUTCOME_BITS[rule.action]
            mask |= rule.outcomes
        known[name] = mask
        return mask

    def _compile(self, bound: BoundRule, chain: str) -> Rule:
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
        )

    def _condition(self, condition: Condition) -> Matcher:
        if isinstance(condition, AllOf):
            return _all([self._condition(part) for part in condition.parts])
        if isinstance(condition, AnyOf):
            return _any([self._condition(part) for part in condition.parts])
        if isinstance(condition, Not):
            return _not(self._condition(condition.part))
        return self._leaf(condition)

    def _leaf(self, kind: RuleKind) -> Matcher:
        """The kind's matcher, made to tell ``asked`` what the walk rested on."""
        if self._instead is not None:
            instead = self._instead(kind, self.asked)
            if instead is not None:
                return instead
        match = kind.compile(self._host)
        asked = self.asked
        facts = kind.asks()
        if kind.scope == "packet":
            concerns = kind.concerns

            def packet_leaf(packet: Packet, flow: Flow) -> Answer | Action:
                if not concerns(flow):
                    return NO
                asked.packet = True
                asked.facts.update(facts)
                return match(packet, flow)

            return packet_leaf
        if facts:

            def fact_leaf(packet: Packet, flow: Flow) -> Answer | Action:
                asked.facts.update(facts)
                return match(packet, flow)

            return fact_leaf
        return match


def _ignore_observed(rule: Rule, packet: Packet, flow: Flow) -> None:
    """For walks that decide no packet."""


def _waits(bound: Mapping[str, list[BoundRule]], name: str, known: dict[str, bool]) -> bool:
    """Some rule of the chain, or of one that it jumps to, asks facts or single packets."""
    found = known.get(name)
    if found is None:
        found = known[name] = any(
            any(kind.scope == "packet" or kind.asks() for kind in leaves(rule.condition))
            or (rule.action is not None and not isinstance(rule.action, Action) and _waits(bound, rule.action, known))
            for rule in bound.get(name, ())
        )
    return found


def _all(parts: list[Matcher]) -> Matcher:
    def match(packet: Packet, flow: Flow) -> Answer | Action:
        result: Answer | Action = YES
        for part in parts:
            answer = part(packet, flow)
            if answer is NO:
                return NO
            if answer is PENDING:
                result = PENDING
            elif answer is not YES and result is YES:
                result = answer
        return result

    return match


def _any(parts: list[Matcher]) -> Matcher:
    def match(packet: Packet, flow: Flow) -> Answer | Action:
        result: Answer | Action = NO
        for part in parts:
            answer = part(packet, flow)
            if answer is PENDING:
                result = PENDING
            elif answer is not NO:
                return answer
        return result

    return match


def _not(part: Matcher) -> Matcher:
    def match(packet: Packet, flow: Flow) -> Answer | Action:
        answer = part(packet, flow)
        if answer is PENDING:
            return PENDING
        return YES if answer is NO else NO

    return match
