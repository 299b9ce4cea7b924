"""What the engine did with each packet of a flow, written down: for ``pywall explain``.

A tracer is called between the engine and what it asks (detectors, classifiers, chains), and takes notes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..chain.compile import Asked as WalkAsked
from ..chain.walk import OUTCOME_BITS, Chains, Step
from ..detection.classifiers import Classifier
from ..detection.detectors import Detector, Detectors
from ..model.flow import Flow
from ..model.packet import HOOK_NAMES, Packet
from ..model.verdict import ACCEPT, NO, PENDING, YES, Answer, Cause, Facts, Match, Verdict
from .lines import call_and_locate

if TYPE_CHECKING:
    from ..config import Config
    from ..engine.engine import Engine

Walk = Callable[[Packet, Flow], Verdict]


@dataclass(slots=True)
class Asked:
    """A detector's or classifier's answer, and how many bytes of the client and the server it had seen. ``where`` is
    the line that said NO, if lines are noted."""

    name: str
    answer: str
    client: int
    server: int
    facts: dict[str, Any]
    where: str = ""


@dataclass(slots=True)
class Walked:
    """One rule's answer: its place, its file and line, the outcomes that were possible after it, and its title."""

    rule: str
    where: str
    answer: str
    action: str
    outcomes: tuple[str, ...]
    title: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the answer as it is written in JSON."""
        return {"rule": self.rule, "name": self.title, "where": self.where, "answer": self.answer,
                "action": self.action, "outcomes": self.outcomes}  # fmt: skip


@dataclass(slots=True)
class Entry:
    """What happened at one packet, or at one of several transactions that it completes; ``why`` is one sentence on the
    verdict's finality.
    """

    number: int
    time: float
    to_server: bool
    hook: str
    flags: int
    payload: int
    verdict: Verdict
    asked: list[Asked] = field(default_factory=list)
    learnt: dict[str, Any] = field(default_factory=dict)
    walk: list[Walked] = field(default_factory=list)
    why: str = ""
    #: packets after this one that brought nothing new
    more: int = 0


@dataclass(slots=True)
class _Walk:
    """A walk through the rules, its verdict, why that is final or not, and what was learnt since the walk before."""

    flow: Flow
    verdict: Verdict
    walk: list[Walked] = field(default_factory=list)
    why: str = ""
    learnt: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """All entries of one flow; ``number`` counts from 1 in the order in which flows began."""

    number: int
    flow: Flow
    entries: list[Entry] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    #: the last verdict of each direction, to the client and to the server
    verdicts: list[Verdict | None] = field(default_factory=lambda: [None, None])


class Tracer:
    """Notes for one engine: give it as ``Engine(tracer=...)``, and call :meth:`seen` after each packet.

    With ``lines`` it notes which line of a detector said NO, which makes detection some twenty times as slow.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._lines = lines
        self.histories: dict[int, History] = {}
        self._asked: list[Asked] = []
        #: bytes of the client and the server that each classifier was shown, by its name and the flow
        self._classified: dict[tuple[str, int], list[int]] = {}
        #: the walks of the present packet: one for each transaction that it completes
        self._walks: list[_Walk] = []
        self._flow: Flow | None = None
        self._engine: Engine | None = None

    def watch(self, detectors: Detectors, classifiers: list[Classifier]) -> tuple[Detectors, list[Classifier]]:
        """Return the same, taking notes when they are called."""
        watched = detectors.with_calls([self._watch_detector(d) for d in detectors.all])
        return watched, [replace(c, call=self._watch_classifier(c)) for c in classifiers]

    def watch_walks(self, engine: Engine) -> Walk:
        """Return the engine's way through its chains, with notes."""
        self._engine = engine

        def walk(packet: Packet, flow: Flow) -> Verdict:
            self._flow = flow
            verdict, walked, why = walk_with_notes(engine, engine.chains, packet, flow)
            self._walks.append(_Walk(flow, verdict, walked, why, self._news(self._history(flow))))
            return verdict

        return walk

    def seen(self, packet: Packet, verdict: Verdict) -> None:
        """The engine is through with the packet."""
        flow, self._flow = self._flow, None
        asked, self._asked = self._asked, []
        walks, self._walks = self._walks, []
        assert self._engine is not None
        flow = flow or self._engine.flows.find(packet.key)
        if flow is None:
            return
        if not walks or walks[-1].flow is not flow:
            walks.append(_Walk(flow, verdict))
        walks[-1].verdict = verdict
        walks[-1].learnt |= self._news(self._history(flow))
        for one in walks:  # of a packet that carries another one, both flows have their own
            self._add(self._history(one.flow), packet, one, asked)
            asked = []

    def _history(self, flow: Flow) -> History:
        history = self.histories.get(flow.id)
        if history is None:
            history = self.histories[flow.id] = History(len(self.histories) + 1, flow)
        return history

    def _add(self, history: History, packet: Packet, one: _Walk, asked: list[Asked]) -> None:
        verdict = one.verdict
        if history.verdicts[packet.to_server] == verdict and not (asked or one.walk or one.learnt):
            history.entries[-1].more += 1
            return
        history.verdicts[packet.to_server] = verdict
        hook = HOOK_NAMES.get(packet.hook, "")
        payload = packet.end - packet.start
        history.entries.append(
            Entry(
                packet.pcap_cnt,
                packet.time,
                packet.to_server,
                hook,
                packet.flags,
                payload,
                verdict,
                asked,
                one.learnt,
                one.walk,
                one.why,
            )
        )

    def _news(self, history: History) -> dict[str, Any]:
        """Return what is known of the flow now and was not, or otherwise, before."""
        flow = history.flow
        now: dict[str, Any] = dict(flow.facts)
        if flow.app_proto is not None:
            now["app_proto"] = flow.app_proto
            now["confirmed"] = flow.confirmed
            now["settled"] = flow.detect_done
        before, history.known = history.known, now
        return {name: value for name, value in now.items() if name not in before or before[name] != value}

    def _watch_detector(self, detector: Detector) -> Callable[[Flow, bytes, bytes], Match | Answer]:
        def call(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
            where = ""
            answer: Match | Answer
            if self._lines:
                answer, where = call_and_locate(detector.call, flow, client, server)
            else:
                answer = detector.call(flow, client, server)
            self._flow = flow
            name, facts = getattr(answer, "name", repr(answer)), {}
            if isinstance(answer, Match):
                name, facts = f"MATCH {answer.protocol}", answer.facts
            self._asked.append(Asked(detector.name, name, len(client), len(server), facts, where))
            return answer

        return call

    def _watch_classifier(self, classifier: Classifier) -> Callable[[Flow, bool, bytes], Facts | Answer]:
        def call(flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
            answer = classifier.call(flow, to_server, data)
            self._flow = flow
            facts = dict(answer) if isinstance(answer, Facts) else {}
            name = "FACTS" if facts else getattr(answer, "name", repr(answer))
            seen = self._classified.setdefault((classifier.name, flow.id), [0, 0])
            seen[not to_server] += len(data)
            self._asked.append(Asked(classifier.name, name, seen[0], seen[1], facts))
            return answer

        return call


def walk_with_notes(engine: Engine, chains: Chains, packet: Packet, flow: Flow) -> tuple[Verdict, list[Walked], str]:
    """Return the verdict of ``chains``, each rule's answer on the way to it, and why it is final or not."""
    steps: list[Step] = []
    verdict = chains.walk(packet, flow, steps)
    walk = [_walked(step) for step in steps]
    if verdict.rule and (not steps or steps[-1].answer in (NO, PENDING)):
        walk.append(_end(engine, HOOK_NAMES[packet.hook], steps))
    return verdict, walk, _finality(engine, chains.asked, flow, verdict)


def where(config: Config, verdict: Verdict, engine: Engine) -> str:
    """Return the file and line that decided, or what stands for it where no line did."""
    for rules in engine.chains.rules.values():
        for rule in rules:
            if rule.path == verdict.rule:
                return rule.where
    if verdict.rule == "default":
        return config.place(("default", verdict.chain)) or config.place(("default",)) or "default: ACCEPT (not set)"
    if verdict.cause.is_failure:
        switch = verdict.cause.value
        place = config.place(("failure", switch)) or config.place(("failure", "all"))
        return place or f"failure.{switch}: {getattr(config.failure, switch, 'closed')} (not set)"
    if not verdict.chain and verdict.plugin == "core":
        place = config.place(("chains",))
        return f"{place}: {verdict.reason}" if place else verdict.reason
    for position, entry in enumerate(config.plugins):
        if entry.name == verdict.plugin:
            return config.place(("plugins", position)) or f"plugin {entry.name}"
    return f"plugin {verdict.plugin}"


def decisive(history: History) -> Verdict | None:
    """Return the flow's final verdict; without one, its last packet's, told by the last rule that came to the same."""
    flow = history.flow
    if flow.final is not None or flow.verdict is None:
        return flow.final
    same = [entry.verdict for entry in history.entries if entry.verdict.action is flow.verdict.action]
    return next((verdict for verdict in reversed(same) if verdict.rule), flow.verdict)


def outcomes(mask: int) -> tuple[str, ...]:
    """Return the names of the actions in a mask of outcomes."""
    return tuple(action.name for action, bit in OUTCOME_BITS.items() if mask & bit)


def _walked(step: Step) -> Walked:
    rule = step.rule
    action = rule.action.name if rule.action is not None else f"-> {rule.target}" if rule.target else "continue"
    answer = step.answer
    return Walked(rule.path, rule.where, answer.name, action, outcomes(step.outcomes), rule.title)


def _end(engine: Engine, hook: str, steps: list[Step]) -> Walked:
    """Return the default, which a walk comes to when no rule ended it."""
    action = engine.chains.default[hook]
    mask = (steps[-1].outcomes if steps else 0) | OUTCOME_BITS[action]
    place = where(engine.config, Verdict(action, rule="default", chain=hook), engine)
    return Walked("default", place, "END", action.name, outcomes(mask))


def _finality(engine: Engine, asked: WalkAsked, flow: Flow, verdict: Verdict) -> str:
    """Why the verdict of a walk can still change, or why it cannot."""
    open_facts = sorted(name for name in asked.facts if engine.fact_state(flow, name) is not YES)
    if verdict.final:
        return "final: nothing that was asked can change any more"
    if verdict.cause is Cause.PENDING:
        passing = (
            "passes, for ACCEPT is possible" if verdict.action is ACCEPT else "is dropped, for ACCEPT is not possible"
        )
        return f"not final: several outcomes are left; the packet {passing}; open: {', '.join(open_facts)}"
    if asked.packet:
        return "not final: a rule that looks at each packet was asked"
    if flow.tcp.unacked:
        return "not final: the bytes that it rests on have not been acknowledged by their receiver"
    return f"not final: may still change: {', '.join(open_facts) or 'nothing'}"
