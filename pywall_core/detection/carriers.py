"""Content that protocols carry, given to the plugins that classify it, where a rule asks.

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
class CarriedClassifier:
    """A plugin that classifies carried content, and the names of its facts by carrier."""

    name: str
    call: CarriedCall
    carriers: Mapping[str, tuple[str, ...]]


@final
class Carriers:
    """Asks the plugins that classify carried content.

    ``changed``: a fact of a flow has changed since the caller set it to False.
    """

    def __init__(self, classifiers: list[CarriedClassifier], guard: Guard) -> None:
        self._classifiers = classifiers
        self._guard = guard
        #: names of all facts, and those of each carrier
        self.facts = frozenset(name for one in classifiers for names in one.carriers.values() for name in names)
        self._of = {
            carrier: frozenset(name for one in classifiers for name in one.carriers.get(carrier, ()))
            for carrier in {carrier for one in classifiers for carrier in one.carriers}
        }
        #: carriers that some rule asks about
        self.wanted: frozenset[str] = frozenset()
        self.icmp_wanted = False
        self.changed = False

    def ask_for(self, names: Iterable[str]) -> None:
        """Take the names of the facts that rules ask."""
        asked = frozenset(names)
        self.wanted = frozenset(carrier for carrier, facts in self._of.items() if not facts.isdisjoint(asked))
        self.icmp_wanted = ICMP_DATA in self.wanted

    def classify(self, flow: Flow, carried: Carried) -> None:
        """Have bytes classified that a parser has given."""
        state = flow.detection
        if carried.carrier not in self.wanted:
            return
        if carried.offset == 0:
            self._forget(flow, self._of[carried.carrier])
        for classifier in self._classifiers:
            if carried.carrier not in classifier.carriers:
                continue
            answer: Any = self._guard.ask2(classifier.name, classifier.call, flow, carried)
            if type(answer) is Facts:
                if any(state.facts.get(name) != value for name, value in answer.items()):
                    state.facts = {**state.facts, **answer}
                    self.changed = True
            elif answer is not MORE and answer is not NO and type(answer) is not Raised:
                self._guard.refuse(classifier.name, "pywall_carried", answer)

    def classify_echo(self, flow: Flow, to_server: bool, data: bytes) -> bool:
        """Have ICMP data classified. Return True when facts changed."""
        first = flow.icmp >> 8
        asked = to_server == (first not in (0, 129))  # the flow may have been met at a reply
        self.changed = False
        self.classify(flow, Carried(ICMP_DATA, to_server, data, 1, "request" if asked else "reply"))
        changed, self.changed = self.changed, False
        return changed

    def _forget(self, flow: Flow, names: frozenset[str]) -> None:
        state = flow.detection
        if not names.isdisjoint(state.facts):
            state.facts = {name: value for name, value in state.facts.items() if name not in names}
            self.changed = True
