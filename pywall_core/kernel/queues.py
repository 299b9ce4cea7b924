"""What NetfilterQueue has no call for: flags of a queue, and its statistics.

Formats: ``linux/netfilter/nfnetlink_queue.h``; ``/proc/net/netfilter/nfnetlink_queue`` as ``seq_show`` in the kernel's
``nfnetlink_queue.c`` prints it.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .netlink import REQUEST, attribute, message

log: Final = logging.getLogger("pywall.kernel")
#: seconds between two log lines about lost packets
_REPORT: Final = 5.0
_CONFIG: Final = 3 << 8 | 2
_MASK: Final = 4
_FLAGS: Final = 5
FAIL_OPEN: Final = 1
GSO: Final = 4
STATISTICS: Final = Path("/proc/net/netfilter/nfnetlink_queue")


def set_flags(descriptor: int, queue: int, flags: int) -> None:
    """Set flags of a bound queue. Only the socket that owns it may, so ``descriptor`` is that one's."""
    value = struct.pack(">I", flags)
    body = attribute(_FLAGS, value) + attribute(_MASK, value)
    with socket.socket(fileno=os.dup(descriptor)) as own:
        own.send(message(_CONFIG, REQUEST, 0, body, resource=queue))


@dataclass(frozen=True, slots=True)
class Statistics:
    """One queue's counters, in packets, since it was bound.

    ``waiting``: in the queue now. ``dropped_full``: lost because the queue was full. ``dropped_user``: lost because the
    socket's buffer was full; its reader sees ENOBUFS, which the queue binding answers by reading on. ``packets``: all.
    """

    waiting: int
    dropped_full: int
    dropped_user: int
    packets: int


def statistics() -> dict[int, Statistics]:
    """Return all bound queues of this network namespace by number."""
    found: dict[int, Statistics] = {}
    try:
        text = STATISTICS.read_text()
    except OSError:
        return found
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 8:
            found[int(fields[0])] = Statistics(int(fields[2]), int(fields[5]), int(fields[6]), int(fields[7]))
    return found


class LossCounter:
    """Watches the queues' counters of lost packets and logs what they grow by, a line every five seconds at most."""

    def __init__(self) -> None:
        self._last: dict[int, Statistics] = {}
        self._unreported: Counter[str] = Counter()
        self._next_report = 0.0
        #: packets lost since the start, by cause
        self.total: Counter[str] = Counter()

    def update(self, now: float, queues: Iterable[int]) -> None:
        """Read the counters; ``now`` in seconds."""
        current = statistics()
        for number in queues:
            queue = current.get(number)
            if queue is None:
                self._last.pop(number, None)
                continue
            before = self._last.get(number)
            if before is None or queue.packets < before.packets:  # bound again: counters begin at zero
                before = Statistics(0, 0, 0, 0)
            self._last[number] = queue
            self._unreported["queue full"] += queue.dropped_full - before.dropped_full
            self._unreported["socket buffer full"] += queue.dropped_user - before.dropped_user
        self._report(now)

    def add(self, now: float, cause: str, number: int) -> None:
        """Count packets that were lost in a way that the queues have no counter for."""
        self._unreported[cause] += number
        self._report(now)

    def _report(self, now: float) -> None:
        if now >= self._next_report and self._unreported.total() > 0:
            self._next_report = now + _REPORT
            causes = ", ".join(f"{number} ({cause})" for cause, number in self._unreported.items() if number)
            log.warning("packets lost before a verdict: %s; see queue.length and queue.socket_buffer", causes)
            self.total += self._unreported
            self._unreported.clear()

    def describe(self) -> dict[str, object]:
        """For ``pywall status``: the counters by queue number, and the losses by cause."""
        return {"lost": dict(self.total + self._unreported)} | {
            str(number): asdict(queue) for number, queue in self._last.items()
        }
