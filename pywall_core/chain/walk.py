"""Rules compiled into the verdict chain: three-valued, first match decides.

Walking a chain collects the outcomes that are still possible. NO walks on; PENDING adds its action's outcomes and walks
on; YES adds its own and stops. One outcome left is the verdict. Several left: the packet passes if ACCEPT is among them
(a handshake must get through before anyone can know what it carries), else it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ..config import BoundRule, Default, leaves
from ..model.flow import Flow
from ..model.host import Host
from ..model.packet import HOOK_NAMES, Packet
from ..model.verdict import ACCEPT, DROP, NO, PENDING, REJECT, YES, Action, Answer, Cause, Verdict
from .compile import Asked, Compiler, Leaf, waits
from .rule import Rule
from .runs import make_runs

OUTCOME_BITS: Final = {ACCEPT: 1, DROP: 2, REJECT: 4}
#: masks of one outcome: what lets the packet pass, and what does not
_PASS: Final = 1
_DENIALS: Final = (2, 4)
_BY_BIT: Final = {1: ACCEPT, 2: DROP, 4: REJECT}


@dataclass(slots=True)
class Step:
    """One rule's answer in a traced walk; ``outcomes`` is the mask collected after it."""

    rule: Rule
    answer: Answer | Action
    outcomes: int


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
        leaf: Leaf | None = None,
        added: Callable[[Rule, Packet, Flow], None] | None = None,
    ) -> None:
        self._host = host
        self._fact_state = host.fact_state
        self._observed = observed
        self._added = added
        self.asked = Asked()
        self.bound = chains
        self._default = default
        self.default = {name: default.action(hook) for hook, name in HOOK_NAMES.items()}
        self._default_bits = {name: OUTCOME_BITS[action] for name, action in self.default.items()}
        self._owners = owners
        #: in one walk: what the chains of pending jumps may come to, by name
        self._possible: dict[str, int] = {}
        compiler = Compiler(host, owners, self.asked, leaf)
        self.rules = {name: [compiler.rule(bound, name) for bound in rules] for name, rules in chains.items()}
        known: dict[str, int] = {}
        for name in self.rules:
            self._outcomes_of(name, known)
        for name, rules in self.rules.items():
            make_runs(rules, chains[name], host, lambda kind: leaf is not None and leaf(kind, self.asked) is not None)
        #: by the decider's path, the bit of the action, whether it is final and whether it is pending
        self._made: dict[tuple[str, int, bool, bool], Verdict] = {}
        self.unruled = Verdict(ACCEPT, True, "", "core", "", "no chain for this hook", Cause.NO_CHAIN)

    def variant(self, leaf: Leaf) -> Chains:
        """Return the same rules with other matchers, their own counters, without reports of observed rules."""
        return Chains(self.bound, self._default, self._owners, self._host, _ignore_observed, leaf)

    def decided_at_sight(self) -> frozenset[int]:
        """Hooks none of whose rules asks facts or single packets: a flow's first packet there is decided for good."""

        known: dict[str, bool] = {}
        return frozenset(hook for hook, name in HOOK_NAMES.items() if not waits(self.bound, name, known))

    def fact_prefixes(self) -> frozenset[str]:
        """Return the protocols of the facts that rules ask for: ``http`` for ``http.hostname``."""
        kinds = (kind for rules in self.bound.values() for rule in rules for kind in leaves(rule.condition))
        return frozenset(name.partition(".")[0] for kind in kinds for name in kind.asks())

    def asked_names(self) -> frozenset[str]:
        """Return the names of protocols that rules ask for, by themselves or by a fact."""
        kinds = (kind for rules in self.bound.values() for rule in rules for kind in leaves(rule.condition))
        return self.fact_prefixes().union(*(kind.protocols() for kind in kinds))

    def walk(self, packet: Packet, flow: Flow, trace: list[Step] | None = None) -> Verdict:
        """Return the verdict of the packet's hook; ``self.asked`` says what it rests on. Rules may raise."""
        hook = HOOK_NAMES[packet.hook]
        asked = self.asked
        asked.packet = False
        if asked.facts:
            asked.facts.clear()
        if self._possible:
            self._possible.clear()
        rules = self.rules.get(hook)
        if rules is None:
            default = self._default_bits[hook]
            return self.unruled if default == _PASS else self._verdict(None, hook, default, final=True)
        if trace is None and not packet.related:
            slot = packet.hook << 1 | packet.to_server
            chain, at = (hook, 0) if flow.cache.walk_from is None else flow.cache.walk_from.get(slot, (hook, 0))
        else:  # an ICMP error has addresses of its own
            slot, chain, at = 0, hook, 0
        outcomes, decider = self._collect(chain, at, slot, packet, flow, trace)
        if outcomes == _PASS or outcomes in _DENIALS:
            return self._verdict(decider, hook, outcomes, final=self._is_final(outcomes, flow))
        return self._verdict(decider, hook, outcomes & _PASS or _DENIALS[0], final=False, pending=True)

    def _collect(  # noqa: C901 - one loop: the walk
        self, chain: str, at: int, slot: int, packet: Packet, flow: Flow, trace: list[Step] | None
    ) -> tuple[int, Rule | None]:
        """Return the mask of possible outcomes, and the first rule that contributed (None: the default).

        ``chain`` and ``at`` are where the walk begins. ``slot``, if it is not 0, is that of the packets for which
        the place is kept that only addresses and ports lead to: later walks begin there.
        """
        hook = HOOK_NAMES[packet.hook]
        rules = self.rules[chain]
        fixed = slot != 0
        outcomes = 0
        decider: Rule | None = None
        passed_over: list[Rule] = []
        #: where the chain goes on after the candidates of a run
        after: tuple[list[Rule], int] | None = None
        while at < len(rules) or after is not None:
            if at == len(rules):
                assert after is not None
                (rules, at), after = after, None
                continue
            rule = rules[at]
            if fixed and not rule.fixed and after is None:
                fixed = False
                _keep_place(flow, slot, chain, at)
            if rule.run is not None and after is None and trace is None:
                after = rules, at + rule.run.length
                rules, at = rule.run.candidates(packet, flow), 0
                continue
            at += 1
            if outcomes and (rule.observe or not rule.decides):
                # a rule before it may still decide: what only reports waits until the walk comes here for certain
                passed_over.append(rule)
                if trace is not None:
                    trace.append(Step(rule, PENDING, outcomes))
                continue
            answer = rule.match(packet, flow)
            if answer is not NO and answer is not PENDING:
                self._matched(rule, answer, outcomes, packet, flow)
                if rule.observe:
                    continue
                if rule.target is None or answer is not YES:
                    outcomes |= rule.outcomes if answer is YES else OUTCOME_BITS[answer]  # type: ignore[index]
                    decider = decider or rule
            elif answer is PENDING:
                if not rule.observe:
                    outcomes |= self._possible_outcomes(rule, packet, flow, hook)
                decider = decider or rule
            if trace is not None:
                trace.append(Step(rule, answer, outcomes))
            if answer is YES and rule.target is not None:
                chain, at, after = rule.target, 0, None
                rules = self.rules[chain]
            elif answer is not NO and answer is not PENDING:
                return outcomes, decider
        outcomes |= self._default_bits[hook]
        if passed_over and outcomes in _DENIALS:  # whichever rule decides: there is no later walk
            for rule in passed_over:
                if not rule.decides:
                    rule.match(packet, flow)
        return outcomes, decider

    def _matched(self, rule: Rule, answer: object, outcomes: int, packet: Packet, flow: Flow) -> None:
        """Count a match, and do what the rule does in addition to deciding."""
        if answer is not YES and not isinstance(answer, Action):
            raise TypeError(f"rule {rule.path} answered {answer!r}")
        if rule.add is not None and not outcomes and self._added is not None:
            self._added(rule, packet, flow)
        rule.hits += 1
        rule.last = packet.time
        if rule.observe:
            self._observed(rule, packet, flow)

    def _possible_outcomes(self, rule: Rule, packet: Packet, flow: Flow, hook: str) -> int:
        """Return the mask of outcomes that a rule can have for this packet: for a jump, those of its chain."""
        if rule.target is None:
            return rule.outcomes
        known = self._possible.get(rule.target)
        if known is not None:
            return known
        mask = 0
        for inner in self._candidates(self.rules[rule.target], packet, flow):
            if inner.observe or not inner.decides:
                continue
            answer = inner.match(packet, flow)
            if answer is NO:
                continue
            mask |= (
                OUTCOME_BITS[answer]
                if isinstance(answer, Action)
                else self._possible_outcomes(inner, packet, flow, hook)
            )
            if answer is not PENDING:
                break
        else:
            mask |= self._default_bits[hook]
        self._possible[rule.target] = mask
        return mask

    def _candidates(self, rules: list[Rule], packet: Packet, flow: Flow) -> Iterator[Rule]:
        """The rules of a chain without those that a look-up leaves out."""
        at = 0
        while at < len(rules):
            run = rules[at].run
            if run is None:
                yield rules[at]
                at += 1
            else:
                yield from run.candidates(packet, flow)
                at += run.length

    def _is_final(self, outcome: int, flow: Flow) -> bool:
        asked = self.asked
        if asked.packet:
            return False
        if outcome != _PASS or not asked.facts:
            return True
        if flow.tcp.unacked:
            return False
        state = self._fact_state
        return all(state(flow, name) is YES for name in asked.facts)

    def _verdict(self, rule: Rule | None, hook: str, outcome: int, *, final: bool, pending: bool = False) -> Verdict:
        """Return the verdict with the action of an outcome's bit, one object for all packets."""
        path = "default" if rule is None else rule.path
        key = (path, outcome, final, pending)
        made = self._made.get(key)
        if made is None:
            action, cause = _BY_BIT[outcome], Cause.PENDING if pending else Cause.RULE
            plugin, chain = ("core", hook) if rule is None else (rule.plugin, rule.chain)
            reason = "end of chain" if rule is None else rule.comment or f"{path} matched"
            if pending:
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


def _keep_place(flow: Flow, slot: int, chain: str, at: int) -> None:
    if flow.cache.walk_from is None:
        flow.cache.walk_from = {slot: (chain, at)}
    else:
        flow.cache.walk_from[slot] = (chain, at)


def _ignore_observed(rule: Rule, packet: Packet, flow: Flow) -> None:
    """For walks that decide no packet."""
