"""The plugin: options, start, figures. Its hot hooks are the tracker's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import hookimpl

from .checksum import CaptureChecksums, checksum_valid
from .judge import Judge
from .settings import StreamOptions
from .tracker import Tracker

if TYPE_CHECKING:
    from pywall_core.api import Host


class Stream:
    """TCP state of both ends, and their octets in order for detectors and ``segment`` hooks."""

    Options = StreamOptions
    api_version = 1
    provides = ("segment", "tcp-state")

    def __init__(self, options: StreamOptions | None = None) -> None:
        self.options = options or StreamOptions()
        judge = Judge(self.options.timeouts, self.options.flow_memory, self.options.memory)
        self._tracker = tracker = Tracker(judge)
        judge.checksum_ok = checksum_valid if self.options.checksum != "off" else None
        tracker.strips_mptcp = self.options.mptcp == "strip"
        judge.refuses_mptcp = self.options.mptcp == "drop"
        self.pywall_packet = hookimpl(tracker.packet)
        self.pywall_decided = hookimpl(tracker.decided)
        self.pywall_flow_released = hookimpl(tracker.release)
        self.pywall_flow_end = hookimpl(tracker.flow_end)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        """Learn where packets come from and what is to be done when they cannot be put in order."""
        failure = engine.config.failure
        judge = self._tracker.judge
        judge.midstream = failure.midstream
        judge.pass_unordered = failure.stream == "pass-flow"
        fails_open = judge.pass_unordered or "accept" in (failure.queue_full, failure.no_listener)
        judge.captured = not engine.live
        judge.lossy = judge.captured or fails_open
        if self.options.checksum == "auto":
            if not engine.live:
                judge.checksum_ok = CaptureChecksums().acceptable
            elif engine.config.queue.gso:
                judge.checksum_ok = None
        judge.listened = bool(engine.plugins.calls("segment"))

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """Octets held now, gaps handed on and handshakes made plain TCP so far."""
        return {
            "buffered": self._tracker.judge.buffered,
            "gaps": self._tracker.gaps,
            "mptcp_stripped": self._tracker.stripped,
        }
