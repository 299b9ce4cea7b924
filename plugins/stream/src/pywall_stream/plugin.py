"""The plugin: options, startup, statistics. Its hooks for packets are the tracker's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import TCP, hookimpl

from .checksum import CaptureChecksums, Checksums, LiveChecksums
from .resuming import describe_streams, resume_streams
from .settings import StreamOptions
from .tracker import Tracker
from .validator import SegmentValidator

if TYPE_CHECKING:
    from pywall_core.api import Flow, Host


class Stream:
    """TCP state of both ends, and their bytes in order for detectors and ``segment`` hooks."""

    Options = StreamOptions
    api_version = 1
    provides = ("segment", "tcp-state")
    #: what an acknowledgement without content says comes again with the content that follows
    needs_bare_acks = False
    needs_class_at_end = False

    def __init__(self, options: StreamOptions | None = None) -> None:
        self.options = options or StreamOptions()
        validator = SegmentValidator(self.options.timeouts, self.options.flow_memory, self.options.memory)
        self._tracker = tracker = Tracker(validator)
        validator.checksums = Checksums() if self.options.checksum != "off" else None
        tracker.strips_mptcp = self.options.mptcp == "strip"
        validator.refuses_mptcp = self.options.mptcp == "drop"
        self.pywall_packet = hookimpl(tracker.packet)
        self.pywall_decided = hookimpl(tracker.decided)
        self.pywall_flow_released = hookimpl(tracker.release)
        self.pywall_flow_end = hookimpl(tracker.flow_end)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        """Read from the configuration where packets come from and what to do with unordered ones."""
        failure = engine.config.failure
        validator = self._tracker.validator
        validator.midstream = failure.midstream
        validator.pass_unordered = failure.stream == "pass-flow"
        fails_open = validator.pass_unordered or "accept" in (failure.queue_full, failure.no_listener)
        validator.from_capture = not engine.live
        validator.lossy = validator.from_capture or fails_open
        validator.strips_syn_data = not validator.lossy and engine.config.mode != "observe"
        if self.options.checksum == "auto":
            if not engine.live:
                validator.checksums = CaptureChecksums(engine.count)
            else:
                validator.checksums = None if engine.config.queue.gso else LiveChecksums()
        validator.misses_bare_acks = engine.misses_bare_acks
        validator.has_segment_hooks = bool(engine.plugins.calls("segment"))

    @hookimpl
    def pywall_flow_state(self, flow: Flow) -> object:
        """Return where the streams of a connection are."""
        tcp = flow.tcp
        return None if tcp.tracker is None else describe_streams(tcp.tracker, midstream=tcp.midstream)

    @hookimpl
    def pywall_flow_resume(self, flow: Flow, state: object) -> None:
        """Go on where another process was."""
        resumed = resume_streams(state, lags=flow.interrupted)
        if resumed is not None and flow.proto == TCP:
            flow.tcp.tracker, flow.tcp.midstream = directions, _ = resumed
            self._tracker.validator.buffered += directions[0].buffered() + directions[1].buffered()

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """Return the bytes held now; so far: gaps, handshakes changed to plain TCP, SYNs that lost their data."""
        return {
            "buffered": self._tracker.validator.buffered,
            "gaps": self._tracker.gaps,
            "mptcp_stripped": self._tracker.stripped,
            "syn_data_stripped": self._tracker.syn_data_stripped,
        }
