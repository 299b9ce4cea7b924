"""Interrupts a call that does not come back: one packet, or one tick, that keeps the engine busy for too long.

Python code, and C code that looks for signals, gets :class:`Hung` where it is; the engine takes it as that plugin's
error. What cannot be interrupted is ended together with its worker, by the supervisor.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

from ..model.errors import Hung

#: seconds between two looks
LOOK: Final = 0.5
#: looks at one and the same work before it is interrupted: 1 to 1.5 s, and a process that was stopped meanwhile is none
#: the worse for it, since missed looks are not made up for
_PATIENCE: Final = 3


class Alarm:
    """Watches the main thread by SIGALRM. ``progress()`` is a number that changes when work was done, -1 at rest."""

    def __init__(self, progress: Callable[[], int]) -> None:
        self._progress = progress
        self._seen = -1
        self._looks = 0

    def start(self) -> None:
        """From now on; main thread only."""
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)

    def stop(self) -> None:
        """No more interruptions."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _look(self, _number: int, _frame: FrameType | None) -> None:
        done = self._progress()
        if done != self._seen or done < 0:
            self._seen, self._looks = done, 0
            return
        self._looks += 1
        if self._looks >= _PATIENCE:
            self._looks = 0
            raise Hung(f"no end after more than {LOOK * (_PATIENCE - 1):g} s: interrupted")
