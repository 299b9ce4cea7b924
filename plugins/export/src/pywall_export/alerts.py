"""What the plugins that tell people of alerts share: their hooks, a bounded rate, and a thread of its own."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import hookimpl

if TYPE_CHECKING:
    from pywall_core.api import Host

#: seconds between two looks into the queue
LOOK_SECONDS: Final = 0.05
#: seconds that the end of the firewall waits for the last alerts
END_SECONDS: Final = 5.0
#: seconds between two messages about a receiver that does not take alerts
MESSAGE_SECONDS: Final = 60.0

Event = dict[str, Any]


class AlertOptions(BaseModel):
    """Options of every plugin that tells people of alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    types: frozenset[str] = Field(default=frozenset({"alert"}), description="event types that are sent")
    per_minute: float = Field(
        default=10.0, gt=0, le=6000, description="messages a minute on average; what is more is counted"
    )
    burst: int = Field(default=5, ge=1, le=1000, description="messages that may come at once")
    timeout: float = Field(default=5.0, ge=0.1, le=60.0, description="seconds that one message may take")


class TokenBucket:
    """Lets ``burst`` pass at once, and ``rate`` a second on average."""

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Return whether one more may pass at ``now`` (seconds)."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class AlertSender:
    """Hands events to ``deliver(event, suppressed)`` in a thread of its own, no faster than the options allow.

    ``suppressed`` is the number of events since the one before that were too many. What ``deliver`` raises is counted
    and logged; such an event is not tried again. ``name`` and ``receiver`` are for messages.
    """

    def __init__(
        self,
        options: AlertOptions,
        deliver: Callable[[Event, int], None],
        log: logging.Logger,
        name: str,
        receiver: str,
    ) -> None:
        self._options = options
        self._deliver = deliver
        self._log = log
        self._name = name
        self._receiver = receiver
        self._bucket = TokenBucket(options.per_minute / 60.0, options.burst, monotonic())
        self._queue: deque[tuple[Event, int]] = deque()
        self._suppressed_before = 0
        self._sent = self._failed = self._suppressed = 0
        self._message_at = float("-inf")
        self._stop = Flag()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Take one event, if it is of a wanted type; never waits."""
        if event["event_type"] not in self._options.types:
            return
        # a receiver that hangs is no reason to keep more than one burst in memory
        if len(self._queue) >= self._options.burst or not self._bucket.take(monotonic()):
            self._suppressed += 1
            self._suppressed_before += 1
            return
        self._queue.append((event, self._suppressed_before))
        self._suppressed_before = 0

    def stats(self) -> dict[str, int]:
        """Return cumulative counters."""
        return {"sent": self._sent, "failed": self._failed, "suppressed": self._suppressed}

    def stop(self) -> None:
        """Deliver what is queued, and end the thread; wait for it at most 5 seconds."""
        self._stop.set()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._deliver_queued()
        self._deliver_queued()

    def _deliver_queued(self) -> None:
        while self._queue:
            event, suppressed = self._queue.popleft()
            try:
                self._deliver(event, suppressed)
                self._sent += 1
            except Exception as error:  # whatever it is, the firewall works on
                self._failed += 1
                if monotonic() - self._message_at >= MESSAGE_SECONDS:
                    self._message_at = monotonic()
                    self._log.warning("%s: %s: alert not sent: %s", self._name, self._receiver, error)


class AlertPlugin(ABC):
    """Sends one worker's alerts. In a replay it does nothing. ``name`` and ``receiver`` are for messages."""

    def __init__(self, options: AlertOptions, name: str, receiver: str) -> None:
        self._alert_options = options
        self._name = name
        self._receiver = receiver
        self._sender: AlertSender | None = None

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        if engine.live:
            self._sender = AlertSender(self._alert_options, self._send, engine.log, self._name, self._receiver)

    @hookimpl
    def pywall_event(self, event: Event) -> None:
        if self._sender is not None:
            self._sender.put(event)

    @hookimpl
    def pywall_stats(self) -> Event:
        return dict(self._sender.stats()) if self._sender is not None else {}

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._sender is not None:
            self._sender.stop()

    @abstractmethod
    def _send(self, event: Event, suppressed: int) -> None:
        """Send one event; ``suppressed`` before it were too many. What is raised is counted and logged."""


def describe(event: dict[str, Any]) -> str:
    """Return one line about an event, for people; chat servers show the field ``text``."""
    what = event.get("alert", {}).get("signature") or event.get("pywall", {}).get("rule_name") or event["event_type"]
    ends = [
        f"{event[f'{side}_ip']}" + (f" port {event[f'{side}_port']}" if f"{side}_port" in event else "")
        for side in ("src", "dest")
        if f"{side}_ip" in event
    ]
    return f"PyWall: {what}" + (f" ({' to '.join(ends)})" if ends else "")
