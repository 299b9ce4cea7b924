"""Packets by the chain, rule and action of their verdict. Every packet is counted: counting must cost little."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ..model.verdict import Action, Verdict

#: Verdicts held apart at most. Those of rules are few; a plugin may veto packets for any number of reasons.
_HELD: Final = 1024


class _Count:
    __slots__ = ("packets", "verdict")

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.packets = 0


class Tally:
    """Counts by the verdict object, which is kept meanwhile, and puts like ones together when it is asked."""

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}
        self._settled: Counter[tuple[str, str, Action]] = Counter()

    def add(self, verdict: Verdict) -> None:
        """One more packet got it."""
        count = self._counts.get(id(verdict))
        if count is None:
            if len(self._counts) >= _HELD:
                self.decisions()
            count = self._counts[id(verdict)] = _Count(verdict)
        count.packets += 1

    def decisions(self) -> Counter[tuple[str, str, Action]]:
        """Packets so far, by (chain, rule, action)."""
        settled = self._settled
        for count in self._counts.values():
            verdict = count.verdict
            settled[verdict.chain, verdict.rule, verdict.action] += count.packets
        self._counts.clear()
        return settled

    def actions(self) -> Counter[Action]:
        """Packets so far, by action."""
        found: Counter[Action] = Counter()
        for (_chain, _rule, action), n in self.decisions().items():
            found[action] += n
        return found
