"""Knowledge: what the workers know of live flows, asked for and kept for new workers and for the next start."""

from __future__ import annotations

import logging
import select
from pathlib import Path
from time import monotonic
from typing import Final

from . import handover
from .channel import Message
from .worker_pool import WorkerPool

log: Final = logging.getLogger("pywall.supervisor")
#: seconds that workers may take to say what they know, and between two times that they are asked
COLLECT_SECONDS: Final = 5.0
_DESCRIBE_EVERY: Final = 5.0
#: for so many times as long as a description took, none is asked for; workers spend a sixth of that time on it
_REST: Final = 10


class Knowledge:
    """Kept in ``path`` (:mod:`pywall_core.daemon.handover`) while the firewall runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next_description = 0.0
        #: when the workers were asked the last time, 0: they have answered
        self._asked_at = 0.0

    def load(self) -> list[Message]:
        """Return what the workers of the last run knew."""
        return handover.load(self._path)

    def collect(self, pool: WorkerPool, timeout: float = COLLECT_SECONDS) -> list[Message]:
        """Return what all workers know now. Waits for them; what is late is left out."""
        for worker in pool.workers:
            worker.describe(wait=timeout)
        until = monotonic() + timeout
        with handover.collector_paused():
            while (late := [worker for worker in pool.workers if worker.describing]) and monotonic() < until:
                ready, _, _ = select.select([worker.channel for worker in late], [], [], 0.1)
                for worker in late:
                    if worker.channel in ready and not worker.listen():
                        worker.describing = False
        if late:
            log.warning("hand-over: %d workers did not say in time what they know", len(late))
        return pool.knowledge()

    def keep(self, pool: WorkerPool, now: float) -> None:
        """Have the workers describe what they know every few seconds, and write it down. Call it at every step."""
        if any(worker.describing for worker in pool.workers):
            return
        if self._asked_at:
            self._next_description = now + max(_DESCRIBE_EVERY, _REST * (now - self._asked_at))
            self._asked_at = 0.0
            self.write(pool.knowledge())
        elif now >= self._next_description:
            self._asked_at = now
            for worker in pool.workers:
                worker.describe()

    def write(self, messages: list[Message]) -> None:
        """Write it down for the next start."""
        try:
            handover.write(self._path, messages)
        except OSError as error:
            log.warning("hand-over: %s: %s", self._path, error.strerror)
