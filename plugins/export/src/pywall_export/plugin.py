"""The plugin: hands events to the sender, which has a thread of its own. No packet waits for a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pywall_core.api import hookimpl

from .brokers import connect
from .fields import to_ecs, to_eve
from .options import ExportOptions
from .sender import Sender

if TYPE_CHECKING:
    from pywall_core.api import Host

#: seconds that the end of the firewall waits for the last events
END_SECONDS: Final = 5.0


class Export:
    """Sends one worker's events to a broker. In a replay it does nothing."""

    Options = ExportOptions
    api_version = 1

    def __init__(self, options: ExportOptions) -> None:
        self._options = options
        self._types = options.types
        self._sender: Sender | None = None

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        if not engine.live:
            return
        options = self._options
        self._sender = Sender(
            connect(options),
            options.spool.folder / f"worker-{engine.worker}",
            spool_bytes=options.spool.max_mib << 20,
            length=options.queue,
            encode=to_ecs if options.format == "ecs" else to_eve,
            log=engine.log,
        )

    @hookimpl
    def pywall_event(self, event: dict[str, Any]) -> None:
        if self._sender is not None and (self._types is None or event["event_type"] in self._types):
            self._sender.put(event)

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        return dict(self._sender.stats()) if self._sender is not None else {}

    @hookimpl
    def pywall_shutdown(self) -> None:
        if self._sender is not None:
            self._sender.stop(END_SECONDS)
