"""Sender: a bounded queue in memory, and the thread that brings it to the broker or to the spool.

Order: as long as a record waits in the spool, new ones go behind it. Like the writers of event files the thread looks
into the queue 20 times a second; an event that woke it would cost a packet more.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import Any, Final

from .broker import Broker, RefusedError
from .record import Record
from .refused import RefusedRecords
from .spool import Spool

#: events that are sent together at most
BATCH: Final = 500
#: seconds between two looks into the queue
LOOK_SECONDS: Final = 0.05
#: seconds between attempts to reach the broker, or to open the spool
RETRY_SECONDS: Final = 1.0
#: refusals in one batch, after which a part of it that is refused is not divided further
MOST_REFUSALS: Final = 64
#: seconds between two messages about the same trouble
MESSAGE_SECONDS: Final = 60.0

Fields = dict[str, Any]


class Sender:
    """Takes events without waiting; its thread sends them. Figures are cumulative unless they say otherwise."""

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        *,
        spool_bytes: int,
        length: int,
        encode: Callable[[Fields], Fields],
        log: logging.Logger,
        name: str = "export",
    ) -> None:
        """``name`` begins each message: the plugin's."""
        self._name = name
        self._broker = broker
        self._folder = folder
        self._refused = RefusedRecords(folder)
        self._spool_bytes = spool_bytes
        self._length = length
        self._encode = encode
        self._log = log
        self._queue: deque[Fields] = deque()
        self._spool: Spool | None = None
        self._spool_at = self._broker_at = self._message_at = float("-inf")
        self._producer = token_hex(8)
        self._number = 0
        self._sent = self._spooled = self._failed = 0
        self._lost_queue = self._lost_encoding = 0
        self._away = False
        self._stop = Flag()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, event: Fields) -> None:
        """Queue an event, or count it as lost when the queue is full."""
        if len(self._queue) >= self._length:
            self._lost_queue += 1
        else:
            self._queue.append(event)

    def stop(self, seconds: float) -> None:
        """Send or spool what is queued, and end the thread; wait for it at most ``seconds``."""
        self._stop.set()
        self._thread.join(seconds)

    def stats(self) -> dict[str, int]:
        """Return the counters; ``queued``, ``waiting``, ``spool_bytes`` and ``away`` are of this moment."""
        spool = self._spool
        return {
            "sent": self._sent,
            "spooled": self._spooled,
            "failures": self._failed,
            "lost_queue": self._lost_queue,
            "lost_spool": spool.lost if spool else 0,
            "lost_damaged": spool.damaged if spool else 0,
            "lost_encoding": self._lost_encoding,
            "lost_refused": self._refused.records,
            "queued": len(self._queue),
            "waiting": spool.waiting if spool else 0,
            "spool_bytes": spool.size if spool else 0,
            "away": int(self._away),
        }

    def _run(self) -> None:
        more = False
        while not self._stop.wait(0.0 if more else LOOK_SECONDS):
            try:
                more = self._step()
            except Exception:  # the thread must outlive it; events then overflow the queue and are counted
                more = False
                self._report("the sender failed, tried again", exc_info=True)
        self._finish()

    def _step(self) -> bool:
        """Move one batch; return whether there is more to do at once."""
        spool = self._spool or self._open_spool()
        if spool is None:
            return False
        new = self._take()
        if not spool.waiting:
            self._store(spool, new[self._deliver(new) :])
        else:
            self._store(spool, new)
            if self._may_deliver():
                return self._deliver_spooled(spool)
        return len(new) == BATCH

    def _finish(self) -> None:
        """Bring the queue to the broker, or to the spool where the next start finds it."""
        try:
            spool = self._spool or self._open_spool(at_once=True)
            while spool is not None and (new := self._take()):
                self._store(spool, new if spool.waiting else new[self._deliver(new) :])
            if spool is not None:
                spool.close()
            self._broker.close()
        except Exception:  # the end of the firewall must not depend on it
            self._log.warning("%s: the end was not clean", self._name, exc_info=True)
        if self._queue:
            self._lost_queue += len(self._queue)
            self._log.warning(
                "%s: %d events lost at the end: the spool could not be used", self._name, len(self._queue)
            )

    def _take(self) -> list[Record]:
        """Return what is queued, at most 500 events; only this thread takes them."""
        queue = self._queue
        records = []
        for _ in range(min(len(queue), BATCH)):
            event = queue.popleft()
            try:
                body = json.dumps(self._encode(event), separators=(",", ":"), allow_nan=False).encode("ascii")
            except Exception:  # of another plugin's event; the others must go on
                self._lost_encoding += 1
                continue
            self._number += 1
            records.append(Record(f"{self._producer}-{self._number}", body))
        return records

    def _may_deliver(self) -> bool:
        return monotonic() >= self._broker_at

    def _deliver_spooled(self, spool: Spool) -> bool:
        """Deliver the first records of the spool; return whether there may be more to do at once."""
        records = spool.read(BATCH)
        done = self._deliver(records)
        if done < len(records):
            spool.read(done)
        if done or not records:
            spool.forget()
        return done == len(records)

    def _deliver(self, records: Sequence[Record]) -> int:
        """Return how many records, from the first on, the broker has taken or refused for good.

        A batch is refused whole because of one record: it is halved until that one is found.
        """
        done = refusals = 0
        parts = [records]
        while parts and self._may_deliver():
            part = parts.pop()
            try:
                if part:
                    self._broker.send(part)
            except RefusedError as error:
                refusals += 1
                if len(part) > 1 and refusals <= MOST_REFUSALS:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
                self._refused.add(part)
                self._report("events refused for good, see %s: %s", self._refused.path, error)
            except Exception as error:  # also what a client library raises by mistake: the records must not be lost
                self._failed += 1
                self._away = True
                self._broker_at = monotonic() + RETRY_SECONDS
                self._report("the broker is away, events go to %s: %s", self._folder, error)
                break
            else:
                self._sent += len(part)
            self._back()
            done += len(part)
        return done

    def _back(self) -> None:
        """Note that the broker has answered."""
        if self._away:
            self._away = False
            self._message_at = float("-inf")
            self._log.info("%s: the broker is back", self._name)

    def _store(self, spool: Spool, records: Sequence[Record]) -> None:
        if not records:
            return
        before = spool.lost
        spool.append(records)
        self._spooled += len(records) - (spool.lost - before)
        if spool.lost > before:
            self._report("the spool %s or its disk is full; %d events lost", self._folder, spool.lost)

    def _open_spool(self, *, at_once: bool = False) -> Spool | None:
        """Return the spool; None while it cannot be used, as during a reload, when the former worker still has it."""
        now = monotonic()
        if now < self._spool_at and not at_once:
            return None
        self._spool_at = now + RETRY_SECONDS
        try:
            self._spool = Spool(self._folder, self._spool_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            self._report("nothing is sent, the spool cannot be used: %s; see spool.folder", error)
            return None
        return self._spool

    def _report(self, message: str, *arguments: object, exc_info: bool = False) -> None:
        now = monotonic()
        if now - self._message_at >= MESSAGE_SECONDS:
            self._message_at = now
            self._log.warning(f"%s: {message}", self._name, *arguments, exc_info=exc_info)
