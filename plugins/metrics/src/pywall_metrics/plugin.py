"""The plugin: an HTTP server that Prometheus scrapes, in a thread of its own.

The engine's counters belong to the engine's thread. A scrape asks for them and waits for the engine's next tick, which
hands over a copy: without scrapes metrics cost nothing, and no lock is ever on a packet's way. The first worker has the
port; it asks the others and adds up.
"""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import hookimpl
from pywall_core.client import sum_stats

from .families import families
from .gather import StatsServer, ask_workers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pywall_core.api import Host

#: seconds that a scrape waits for the engine's tick (one a second) before it serves the copy that it has
WAIT: Final = 3.0
#: seconds between attempts to open the port; during a reload the old worker still has it
RETRY: Final = 1.0


class MetricsOptions(BaseModel):
    """Options of the plugin ``metrics``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(
        default="127.0.0.1",
        description="address to listen on; another than loopback shows the figures to whoever reaches it",
    )
    port: int = Field(default=9783, ge=1, le=65_535, description="TCP port that shows the figures of all workers")


class Metrics(Collector):
    """The metrics of all workers, in the first one; in others what it asks for."""

    Options = MetricsOptions
    api_version = 1

    def __init__(self, options: MetricsOptions) -> None:
        self._options = options
        self._engine: Host | None = None
        self._server: Any = None
        self._next_try = 0.0
        self._port_error_logged = False
        self._stats: dict[str, Any] = {}
        self._taken = 0.0
        self._wanted = Event()
        self._ready = Event()
        self.registry = CollectorRegistry()
        self.registry.register(self)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        self._engine = engine

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        if self._engine is None or not self._engine.live:
            return
        if self._server is None:
            self._listen(self._engine)
        if self._wanted.is_set():
            self._wanted.clear()
            self._stats = self._engine.stats()
            self._taken = monotonic()
            self._ready.set()

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def describe(self) -> Iterable[Metric]:
        """Nothing: metrics come and go with rules and protocols."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """For a scrape, in the server's thread."""
        others = ask_workers(self._options.port, WAIT + 1.0)
        own, age = self._fetch()
        found = [stats for stats in (own, *others()) if stats]
        return families(sum_stats(found), age) if found else ()

    def _fetch(self) -> tuple[dict[str, Any], float]:
        """Return this worker's counters, and how old they are, in seconds. Waits for the engine's next tick."""
        self._ready.clear()
        self._wanted.set()
        self._ready.wait(WAIT)
        return self._stats, monotonic() - self._taken

    def _listen(self, engine: Host) -> None:
        """Open the port; the firewall works without it, so a port that is taken is logged once and tried again."""
        now = monotonic()
        if now < self._next_try:
            return
        self._next_try = now + RETRY
        port = self._options.port
        try:
            if engine.worker:
                self._server = StatsServer(port, engine.worker, lambda: self._fetch()[0])
                return
            self._server, _ = start_http_server(port, self._options.address, self.registry)
        except (OSError, OverflowError) as error:
            if not self._port_error_logged:
                engine.log.warning("metrics: %s port %d: %s; tried again", self._options.address, port, error)
                self._port_error_logged = True
            return
        engine.log.info("metrics: http://%s:%d/metrics", self._options.address, port)
