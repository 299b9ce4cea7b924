"""Classifiers: asked about the payload of flows whose name is not confirmed, in the order in which it came.

A flow that gets a confirmed name costs nothing: classification begins when detectors had their chance, with the bytes
kept from the first one on, cut as they arrived. What a classifier learnt is set aside when a name is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..calls.guard import Guard, Raised
from ..model.flow import Flow
from ..model.verdict import MORE, NO, Answer, Facts

ClassifyCall = Callable[[Flow, bool, bytes], "Facts | Answer"]

#: ``classifying`` of a flow whose class is wanted and whose classifiers have not been asked yet
NOT_BEGUN: Final = -1
#: payloads whose boundaries are kept; what comes behind them before classification begins is one payload
KEPT_CUTS: Final = 128


@dataclass(slots=True, frozen=True)
class Classifier:
    """A plugin that classifies, and the names of the facts that it sets. Its data of a flow are ``flow.ext[name]``."""

    name: str
    call: ClassifyCall
    facts: tuple[str, ...]


class Classifiers:
    """Asks the classifiers; keeps their facts and ``flow.detection.classifying``, the mask of those not settled."""

    def __init__(self, classifiers: list[Classifier], guard: Guard) -> None:
        self._classifiers = classifiers
        #: mask of all classifiers
        self.all = (1 << len(classifiers)) - 1
        self._guard = guard
        #: names of all facts that classifiers set
        self.facts = frozenset(fact for classifier in classifiers for fact in classifier.facts)
        #: ask about flows without a confirmed name at all: some rule asks, or somebody wants to see the class
        self.wanted = bool(classifiers)

    def begin(self, flow: Flow) -> bool:
        """Start with the bytes that are kept from the flow's beginning. Return True when facts changed."""
        state = flow.detection
        self._drop_data(flow)
        state.classifying = self.all
        changed = False
        for to_server, data in payloads(flow):
            if state.classifying:
                changed |= self.feed(flow, to_server, data)
        return changed

    def feed(self, flow: Flow, to_server: bool, data: bytes) -> bool:
        """Ask about one payload. Return True when facts changed."""
        state = flow.detection
        changed = False
        for i, classifier in enumerate(self._classifiers):
            if not state.classifying >> i & 1:
                continue
            answer: Any = self._guard.ask3(classifier.name, classifier.call, flow, to_server, data)
            if answer is MORE or type(answer) is Raised:
                continue
            state.classifying &= ~(1 << i)
            changed = True
            if type(answer) is Facts:
                state.facts = {**state.facts, **answer}
            elif answer is not NO:
                self._guard.refuse(classifier.name, "pywall_classify", answer)
        return changed

    def set_aside(self, flow: Flow) -> None:
        """Forget all evidence about a flow: its name is confirmed, or something else begins inside it."""
        state = flow.own_detection()
        self._drop_data(flow)
        state.classifying = 0
        if self.facts.intersection(state.facts):
            state.facts = {name: value for name, value in state.facts.items() if name not in self.facts}

    def _drop_data(self, flow: Flow) -> None:
        if flow.ext is not None:
            for classifier in self._classifiers:
                flow.ext.pop(classifier.name, None)


def payloads(flow: Flow) -> list[tuple[bool, bytes]]:
    """Return the payloads kept of a flow, ``(to_server, data)``, cut and ordered as they arrived.

    Classifiers know the side that the tracker takes for the client, whatever detectors have found.
    """
    state = flow.detection
    found = []
    at = [0, 0]
    kept = (state.server, state.client)
    for cut in state.cuts:
        to_server, size = cut > 0, abs(cut)
        data = kept[to_server][at[to_server] : at[to_server] + size]
        at[to_server] += size
        if data:
            found.append((to_server != state.turned, data))
    for to_server in (True, False):
        rest = kept[to_server][at[to_server] :]
        if rest:
            found.append((to_server != state.turned, rest))
    return found
