"""What was not treated as the rules say, by cause: told in ``status``, in ``stats`` events, and in a line of the log.

Causes are the engine's counters (``decoder.*``: packets that did not decode, ``drop.*``: vetoed by a plugin,
``failure.*``, ``flows.table_full``, ``events.*``), the kernel's (``queue.*``) and the event outputs' (``events.*``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

log: Final = logging.getLogger("pywall.losses")
#: seconds between two log lines
REPORT: Final = 10.0
_COUNTERS: Final = ("decoder.", "drop.", "events.", "failure.", "flows.table_full")
#: by report: its figures that are losses, and the causes they are told as
_REPORTED: Final = {
    "queue": {
        "dropped_full": "queue.full",
        "dropped_user": "queue.socket_full",
        "passed": "queue.passed_unjudged",
        "failed": "queue.internal_error",
    },
    "events": {"lost": "events.lost", "suppressed": "events.suppressed"},
}


def losses(counters: Mapping[str, int], reports: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Cumulative numbers by cause, none of them 0."""
    found = {name: n for name, n in counters.items() if n and name.startswith(_COUNTERS)}
    for part, figures in _REPORTED.items():
        for figure, cause in figures.items():
            n = reports.get(part, {}).get(figure, 0)
            if n:
                found[cause] = n
    return found


class LossLog:
    """Logs what losses grew by, a line every ten seconds at most; the kernel's are logged by the supervisor."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._next = 0.0

    def look(self, now: float, current: Mapping[str, int]) -> None:
        """Compare with what the last line told; ``now`` in seconds."""
        if now < self._next:
            return
        grown = {cause: n - self._told.get(cause, 0) for cause, n in current.items() if not cause.startswith("queue.")}
        words = ", ".join(f"{n} {cause}" for cause, n in sorted(grown.items()) if n > 0)
        if words:
            self._next = now + REPORT
            self._told = dict(current)
            log.warning("not treated as the rules say: %s", words)
