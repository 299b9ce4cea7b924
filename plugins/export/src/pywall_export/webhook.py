"""The plugin ``webhook``: posts alerts to an HTTP address, at a bounded rate, from a thread of its own."""

from __future__ import annotations

import json
from collections import deque
from threading import Event as Flag
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pywall_core.api import hookimpl

if TYPE_CHECKING:
    from pywall_core.api import Host

#: seconds between two looks into the queue
LOOK_SECONDS: Final = 0.05
#: seconds that the end of the firewall waits for the last alerts
END_SECONDS: Final = 5.0
#: seconds between two messages about a receiver that does not take alerts
MESSAGE_SECONDS: Final = 60.0


class WebhookOptions(BaseModel):
    """Options of the plugin ``webhook``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="address that takes the alerts by POST: http:// or https://")
    types: frozenset[str] = Field(default=frozenset({"alert"}), description="event types that are posted")
    per_minute: float = Field(
        default=10.0, gt=0, le=6000, description="posts a minute on average; what is more is counted"
    )
    burst: int = Field(default=5, ge=1, le=1000, description="posts that may come at once")
    timeout: float = Field(default=5.0, ge=0.1, le=60.0, description="seconds that one post may take")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the URL is no web address; write https://host/path")
        _ = parts.port  # raises ValueError when it is no number up to 65535
        return url


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


class _NoRedirect(HTTPRedirectHandler):
    """A redirection would turn the POST into a GET, to an address that nobody has named."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Webhook:
    """Posts one worker's alerts. In a replay it does nothing. An alert that could not be posted is not tried again."""

    Options = WebhookOptions
    api_version = 1

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._bucket = TokenBucket(options.per_minute / 60.0, options.burst, monotonic())
        self._opener = build_opener(_NoRedirect)
        self._queue: deque[tuple[dict[str, Any], int]] = deque()
        self._suppressed_before = 0
        self._sent = self._failed = self._suppressed = 0
        self._message_at = float("-inf")
        self._stop = Flag()
        self._thread: Thread | None = None

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        if engine.live:
            self._log = engine.log
            self._thread = Thread(target=self._run, name="webhook", daemon=True)
            self._thread.start()

    @hookimpl
    def pywall_event(self, event: dict[str, Any]) -> None:
        if self._thread is None or event["event_type"] not in self._options.types:
            return
        # a receiver that hangs is no reason to keep more than one burst in memory
        if len(self._queue) >= self._options.burst or not self._bucket.take(monotonic()):
            self._suppressed += 1
            self._suppressed_before += 1
            return
        self._queue.append((event, self._suppressed_before))
        self._suppressed_before = 0

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        return {"sent": self._sent, "failed": self._failed, "suppressed": self._suppressed}

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._post_queued()
        self._post_queued()

    def _post_queued(self) -> None:
        while self._queue:
            event, suppressed = self._queue.popleft()
            try:
                self._post({"text": describe(event), "suppressed": suppressed, "event": event})
                self._sent += 1
            except Exception as error:  # whatever it is, the firewall works on
                self._failed += 1
                if monotonic() - self._message_at >= MESSAGE_SECONDS:
                    self._message_at = monotonic()
                    self._log.warning("webhook: %s: alert not posted: %s", urlsplit(self._options.url).hostname, error)

    def _post(self, content: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": "pywall"}
        request = Request(self._options.url, json.dumps(content).encode(), headers)  # noqa: S310 - the options allow http and https alone
        with self._opener.open(request, timeout=self._options.timeout):
            return


def describe(event: dict[str, Any]) -> str:
    """Return one line about an event, for people; chat servers show the field ``text``."""
    what = event.get("alert", {}).get("signature") or event.get("pywall", {}).get("rule_name") or event["event_type"]
    ends = [
        f"{event[f'{side}_ip']}" + (f" port {event[f'{side}_port']}" if f"{side}_port" in event else "")
        for side in ("src", "dest")
        if f"{side}_ip" in event
    ]
    return f"PyWall: {what}" + (f" ({' to '.join(ends)})" if ends else "")
