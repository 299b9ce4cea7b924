"""One output's queue and thread.

The thread reads the queue 20 times a second. If each event woke it, it would compete with the packets for the
interpreter once an event, which costs a connection more than its event does.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from typing import Any, Final

from .fields import to_line
from .outputs import Output

#: events that are written together at most
_BATCH: Final = 500
#: seconds between two readings of the queue
LOOK_SECONDS: Final = 0.05
#: seconds between attempts to open an output again, and between two messages about it
RETRY_SECONDS: Final = 5.0
_log = logging.getLogger("pywall.events")


def _event_line(event: dict[str, Any]) -> bytes:
    return to_line(event).encode("ascii") + b"\n"


class Writer:
    """Takes events without waiting; its thread writes them. ``lost`` counts those that never got anywhere.

    ``encode(event)`` returns the bytes of one; it is called in the thread.
    """

    def __init__(self, output: Output, length: int, encode: Callable[[Any], bytes] = _event_line) -> None:
        self.output = output
        self._encode = encode
        self.written = 0
        self.lost = 0
        self._length = length
        self._queue: deque[Any] = deque()
        self._wake = Flag()
        self._reopen = self._stopping = False
        self._open = False
        self._retry = self._told = float("-inf")
        self._try_open()
        self._thread = Thread(target=self._run, name=f"events to {output.name}", daemon=True)
        self._thread.start()

    def put(self, event: Any) -> None:
        """Queue an event, or count it as lost when the queue is full."""
        if len(self._queue) >= self._length:
            self.lost += 1
        else:
            self._queue.append(event)

    def queued(self) -> int:
        """Return events that wait."""
        return len(self._queue)

    def reopen(self) -> None:
        """Have the thread open the output again."""
        self._reopen = True
        self._wake.set()

    def stop(self) -> None:
        """Have the thread end when the queue is empty, or at once when the output takes nothing more."""
        self._stopping = True
        self._wake.set()

    def join(self, timeout: float) -> None:
        """Wait for the thread, at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        batch: list[Any] = []
        while True:
            if len(batch) < _BATCH:
                self._wake.wait(LOOK_SECONDS)
            batch = self._take()
            if self._reopen:
                self._wake.clear()
                self._reopen = self._open = False
                self._retry = float("-inf")
                self._try_open()
            stuck = bool(batch) and not self._write([self._encode(event) for event in batch])
            if self._stopping and (stuck or not self._queue):
                self.lost += len(self._queue)
                self._queue.clear()
                self.output.close()
                return

    def _take(self) -> list[Any]:
        """Return what waits, at most 500 events; only this thread takes them."""
        queue = self._queue
        return [queue.popleft() for _ in range(min(len(queue), _BATCH))]

    def _write(self, lines: list[bytes]) -> bool:
        """Write what can be written; True when that was all."""
        done = 0
        if self._open or self._try_open():
            try:
                done = self.output.write(lines, lambda: self._stopping)
            except OSError as error:
                self._fails(error)
        self.written += done
        self.lost += len(lines) - done
        return done == len(lines)

    def _try_open(self) -> bool:
        now = time.monotonic()
        if now - self._retry < RETRY_SECONDS:
            return False
        self._retry = now
        try:
            self.output.open()
        except OSError as error:
            self._fails(error)
            return False
        self._open = True
        return True

    def _fails(self, error: OSError) -> None:
        self._open = False
        now = time.monotonic()
        if now - self._told >= RETRY_SECONDS:
            self._told = now
            _log.warning("events to %s are lost: %s", self.output.name, error.strerror or error)
