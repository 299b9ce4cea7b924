"""Packets that passed without a verdict because a full or unbound queue fails open: the kernel does not count them.

What the NFQUEUE rules counted has got a verdict from a worker, is counted as lost, still waits, or has passed by. Each
update compares with what the rules had counted at the one before, so that packets on their way are not taken for passed
ones: the result is a lower bound that is at most one update late. Where the kernel cuts one packet into several for the
queue (``queue.gso: false``) the rules count fewer than the workers do, and passed packets may hide behind that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .queues import Statistics

#: seconds between two updates: each costs an iptables-save for each family
INTERVAL: Final = 2.0


class BypassCounter:
    """Call :meth:`update` periodically; ``total`` only grows."""

    def __init__(self) -> None:
        self.total = 0
        self._counted = 0
        self._waiting = 0
        self._offset = 0
        self._decided: dict[int, int] = {}
        self._lost = 0
        self._queues: dict[int, int] = {}

    def update(self, counted: int, decided: Mapping[int, int], queues: Mapping[int, Statistics]) -> int:
        """Return how many more passed: ``counted`` by the rules, ``decided`` by each worker process, statistics by
        queue.
        """
        self._decided.update(decided)
        for number, queue in queues.items():
            dropped, before = queue.dropped_full + queue.dropped_user, self._queues.get(number, 0)
            self._lost += dropped - before if dropped >= before else dropped
            self._queues[number] = dropped
        known = sum(self._decided.values()) + self._lost + self.total
        if counted < self._counted:  # the rules were put in again: begin from here
            self._offset = known - counted
            self._counted = 0
        passed = max(0, self._counted - self._waiting - (known - self._offset)) if self._counted else 0
        self.total += passed
        self._counted = counted
        self._waiting = sum(queue.waiting for queue in queues.values())
        return passed
