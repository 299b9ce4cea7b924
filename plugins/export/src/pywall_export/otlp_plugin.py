"""The plugin ``otlp``: events as log records and counters as metrics to an OpenTelemetry collector."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from pywall_core.api import hookimpl

from .fields import to_eve
from .options import OtlpOptions
from .sender import Sender

if TYPE_CHECKING:
    from pywall_core.api import Host

    from .otlp import OtlpMetrics

#: seconds that the end of the firewall waits for the last events, and for the last counters
END_SECONDS: Final = 5.0


class Otlp:
    """Sends one worker's events and counters. In a replay it does nothing."""

    Options = OtlpOptions
    api_version = 1

    def __init__(self, options: OtlpOptions) -> None:
        self._options = options
        self._engine: Host | None = None
        self._sender: Sender | None = None
        self._metrics: OtlpMetrics | None = None
        self._stats: dict[str, Any] = {}
        self._next_copy = 0.0

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        if not engine.live:
            return
        from .otlp import OtlpLogs, OtlpMetrics

        options = self._options
        self._engine = engine
        if options.logs:
            self._sender = Sender(
                OtlpLogs(options, engine.worker),
                options.spool.folder / f"worker-{engine.worker}",
                spool_bytes=options.spool.max_mib << 20,
                length=options.queue,
                encode=to_eve,
                log=engine.log,
                name="otlp",
            )
        if options.metrics:
            self._metrics = OtlpMetrics(options, engine.worker, lambda: self._stats)

    @hookimpl
    def pywall_event(self, event: dict[str, Any]) -> None:
        if self._sender is not None and (self._options.types is None or event["event_type"] in self._options.types):
            self._sender.put(event)

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        """Copy the counters in the engine's own thread; the SDK's thread reads the copy."""
        if self._metrics is not None and self._engine is not None and now >= self._next_copy:
            self._next_copy = now + self._options.metrics / 2
            self._stats = self._engine.stats()

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        logs = dict(self._sender.stats()) if self._sender is not None else {}
        return logs | (self._metrics.figures() if self._metrics is not None else {})

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._sender is not None:
            self._sender.stop(END_SECONDS)
        if self._metrics is not None:
            if self._engine is not None:
                self._stats = self._engine.stats()
            ending = Thread(target=self._metrics.close, name="otlp: end", daemon=True)
            ending.start()
            ending.join(END_SECONDS)
