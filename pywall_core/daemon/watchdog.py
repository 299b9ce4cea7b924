"""Watchdog: raises :class:`Hung` in a plugin call that runs longer than 1.5 s, at a packet or at a tick.

Python code, and C code that looks for signals, gets :class:`Hung` where it is; the engine takes it as that plugin's
error. What cannot be interrupted is ended together with its worker, by the supervisor.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

from ..model.errors import Hung

#: seconds between two checks
CHECK_SECONDS: Final = 0.5
#: checks that see the same work before it is interrupted: 1 to 1.5 s. A process that was stopped meanwhile is not
#: affected, since missed checks are not repeated.
_MAX_CHECKS: Final = 3


class Watchdog:
    """Watches the main thread by SIGALRM. ``progress()`` is a number that changes when work was done, -1 at rest."""

    def __init__(self, progress: Callable[[], int]) -> None:
        self._progress = progress
        self._seen = -1
        self._checks = 0

    def start(self) -> None:
        """From now on; main thread only."""
        signal.signal(signal.SIGALRM, self._check)
        signal.setitimer(signal.ITIMER_REAL, CHECK_SECONDS, CHECK_SECONDS)

    def stop(self) -> None:
        """No more interruptions."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _check(self, _number: int, _frame: FrameType | None) -> None:
        done = self._progress()
        if done != self._seen or done < 0:
            self._seen, self._checks = done, 0
            return
        self._checks += 1
        if self._checks >= _MAX_CHECKS:
            self._checks = 0
            raise Hung(f"no end after more than {CHECK_SECONDS * (_MAX_CHECKS - 1):g} s: interrupted")
