"""What protocols carry for somebody else, given to the plugins that judge it, where a rule asks.

:class:`~pywall_core.model.transaction.Carried` comes from the parsers of transactions; echo data of ICMP from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from ..calls.guard import Guard, Raised
from ..model.flow import Flow
from ..model.transaction import Carried
from ..model.verdict import MORE, NO, Answer, Facts

#: the carrier whose bytes no parser gives
ICMP_DATA: Final = "icmp"

CarriedCall = Callable[[Flow, Carried], "Facts | Answer"]


@dataclass(slots=True, frozen=True)
class CarriedJudge:
    """A plugin that judges what carriers bring, and the names of its facts by carrier."""

    name: str
    call: CarriedCall
    carriers: Mapping[str, tuple[str, ...]]


@final
class Carriers:
    """Asks the judges. ``changed``: a fact of a flow has changed since somebody set it to False."""

    def __init__(self, judges: list[CarriedJudge], guard: Guard) -> None:
        self._judges = judges
        self._guard = guard
        #: names of all facts, and those of each carrier
        self.facts = frozenset(name for judge in judges for names in judge.carriers.values() for name in names)
        self._of = {c: frozenset(n for j in judges for n in j.carriers.get(c, ())) for j in judges for c in j.carriers}
        #: carriers that some rule asks about
        self.wanted: frozenset[str] = frozenset()
        self.icmp_wanted = False
        self.changed = False

    def ask_for(self, names: Iterable[str]) -> None:
        """Take the names of the facts that rules ask."""
        asked = frozenset(names)
        self.wanted = frozenset(carrier for carrier, facts in self._of.items() if not facts.isdisjoint(asked))
        self.icmp_wanted = ICMP_DATA in self.wanted

    def judge(self, flow: Flow, carried: Carried) -> None:
        """Have bytes judged that a parser has given."""
        state = flow.detection
        if carried.carrier not in self.wanted:
            return
        if carried.offset == 0:
            self._forget(flow, self._of[carried.carrier])
        for judge in self._judges:
            if carried.carrier not in judge.carriers:
                continue
            answer: Any = self._guard.ask2(judge.name, judge.call, flow, carried)
            if type(answer) is Facts:
                if any(state.facts.get(name) != value for name, value in answer.items()):
                    state.facts = {**state.facts, **answer}
                    self.changed = True
            elif answer is not MORE and answer is not NO and type(answer) is not Raised:
                self._guard.refuse(judge.name, "pywall_carried", answer)

    def judge_echo(self, flow: Flow, to_server: bool, data: bytes) -> bool:
        """Have ICMP data judged. Return True when facts changed."""
        first = flow.icmp >> 8
        asked = to_server == (first not in (0, 129))  # the flow may have been met at a reply
        self.changed = False
        self.judge(flow, Carried(ICMP_DATA, to_server, data, 1, "request" if asked else "reply"))
        changed, self.changed = self.changed, False
        return changed

    def _forget(self, flow: Flow, names: frozenset[str]) -> None:
        state = flow.detection
        if not names.isdisjoint(state.facts):
            state.facts = {name: value for name, value in state.facts.items() if name not in names}
            self.changed = True
