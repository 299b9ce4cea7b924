"""What an engine counts: packets by their verdict, and losses by their cause.

Losses are packets and events that were not handled as the rules say. Their causes are the engine's own counters
(``decoder.*``: packets that did not decode, ``drop.*``: vetoed by a plugin, ``failure.*``, ``flows.table_full``,
``events.*``), the kernel's (``queue.*``) and the event outputs' (``events.*``).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, final

from ..model.verdict import Action, Cause, Verdict

log: Final = logging.getLogger("pywall.losses")
#: seconds between two log lines
LOG_SECONDS: Final = 10.0
_LOSS_COUNTERS: Final = ("decoder.", "drop.", "events.", "failure.", "flows.table_full")
#: by report: its figures that are losses, and the causes that they are counted as
_REPORTED_LOSSES: Final = {
    "queue": {
        "dropped_full": "queue.full",
        "dropped_user": "queue.socket_full",
        "passed": "queue.passed_without_verdict",
        "failed": "queue.internal_error",
    },
    "events": {"lost": "events.lost", "suppressed": "events.suppressed"},
}
#: chain, rule, action, and whether facts that the rules ask were still pending
Decision = tuple[str, str, Action, bool]
#: Verdicts counted apart at most. Those of rules are few; a plugin may veto packets for any number of reasons.
_MAX_VERDICTS: Final = 1024


@final
class _Count:
    __slots__ = ("packets", "verdict")

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.packets = 0


@final
class VerdictCounter:
    """Packets by the chain, rule and action of their verdict, those that wait for facts apart.

    Every packet is counted, so counting must cost little: it goes by the verdict object. Equal ones are added up when
    somebody asks.
    """

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}
        self._sums: Counter[Decision] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Count one packet."""
        count = self._counts.get(id(verdict))
        if count is None:
            if len(self._counts) >= _MAX_VERDICTS:
                self.decisions()
            count = self._counts[id(verdict)] = _Count(verdict)
        count.packets += 1

    def move(self, before: Verdict, verdict: Verdict) -> None:
        """Count a packet by another verdict than before."""
        self.add(verdict)
        self.add(before)
        self._counts[id(before)].packets -= 2

    def decisions(self) -> Counter[Decision]:
        """Return the packets so far."""
        sums = self._sums
        for count in self._counts.values():
            verdict = count.verdict
            sums[verdict.chain, verdict.rule, verdict.action, verdict.cause is Cause.PENDING] += count.packets
        self._counts.clear()
        return sums

    def actions(self) -> Counter[Action]:
        """Return the packets so far, by action."""
        found: Counter[Action] = Counter()
        for (_chain, _rule, action, _pending), n in self.decisions().items():
            found[action] += n
        return found


def losses(counters: Mapping[str, int], reports: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return cumulative losses by cause, none of them 0."""
    found = {name: n for name, n in counters.items() if n and name.startswith(_LOSS_COUNTERS)}
    for part, figures in _REPORTED_LOSSES.items():
        for figure, cause in figures.items():
            n = reports.get(part, {}).get(figure, 0)
            if n:
                found[cause] = n
    return found


class LossLog:
    """Logs the increase of losses, a line every ten seconds at most; the supervisor logs those of the kernel."""

    def __init__(self) -> None:
        self._logged: dict[str, int] = {}
        self._next = 0.0

    def log_increase(self, now: float, current: Mapping[str, int]) -> None:
        """Compare with what the last line said; ``now`` in seconds."""
        if now < self._next:
            return
        grown = {
            cause: n - self._logged.get(cause, 0) for cause, n in current.items() if not cause.startswith("queue.")
        }
        text = ", ".join(f"{n} {cause}" for cause, n in sorted(grown.items()) if n > 0)
        if text:
            self._next = now + LOG_SECONDS
            self._logged = dict(current)
            log.warning("handled by the failure policy instead of the rules: %s; see `failure:`", text)
