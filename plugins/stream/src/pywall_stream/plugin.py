"""The plugin: hooks of the core, and the short way of the ordinary segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pywall_core.api import ACCEPT, ACK, FIN, RST, SYN, TCP, URG, Drop, Flow, Packet, Verdict, hookimpl

from .checksum import CaptureChecksums, checksum_valid
from .half import HALF_SPACE, MASK, Half
from .judge import Judge
from .settings import StreamOptions
from .step import Step, outstanding

if TYPE_CHECKING:
    from pywall_core.api import Engine

_ORDINARY: Final = FIN | SYN | RST | URG | ACK
#: What Linux sends: NOP, NOP, timestamps (RFC 7323 appendix A).
_TIMESTAMPS: Final = b"\x01\x01\x08\x0a"

#: sender, peer, octets to keep (None: nobody looks at them), new ``next``, new ``acked`` and ``edge`` of the peer,
#: timestamp (-1: none), whether detectors are shown the octets
_Ordinary = tuple[Half, Half, bytes | None, int, int, int, int, bool]


class Stream:
    """TCP state of both ends, and their octets in order for detectors and ``segment`` hooks."""

    Options = StreamOptions
    api_version = 1
    provides = ("segment", "tcp-state")

    def __init__(self, options: StreamOptions | None = None) -> None:
        self.options = options or StreamOptions()
        self._judge = Judge(self.options.timeouts, self.options.flow_memory, self.options.memory)
        self._checksum_ok: Callable[[Packet], bool] | None = checksum_valid if self.options.checksum != "off" else None
        self._judge.checksum_ok = self._checksum_ok
        #: some plugin takes ordered octets beyond detection
        self._listened = True
        self._staged: _Ordinary | Step | None = None
        self._gaps = 0

    @hookimpl
    def pywall_startup(self, engine: Engine) -> None:
        """Learn where packets come from and what is to be done when they cannot be put in order."""
        failure = engine.config.failure
        judge = self._judge
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
        self._checksum_ok = judge.checksum_ok
        self._listened = judge.listened = bool(engine.plugins.calls("segment"))

    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Stage what the packet would change."""
        self._staged = None
        if packet.proto != TCP or packet.related:
            return None
        halves: tuple[Half, Half] | None = flow.tracker
        if halves is not None and packet.flags & _ORDINARY == ACK:
            sender = halves[packet.to_server]
            if sender.plain and (packet.seq - sender.isn - sender.next) & MASK == 0 and packet.error is None:
                peer = halves[not packet.to_server]
                data = packet.data
                start = packet.start
                options = start - packet.l4 - 20
                tsval = sender.tsval
                if options == 12 and tsval >= 0 and data[start - 12 : start - 8] == _TIMESTAMPS:
                    tsval = int.from_bytes(data[start - 8 : start - 4], "big")
                    ordinary = (tsval - sender.tsval) & MASK < HALF_SPACE
                else:
                    ordinary = options == 0
                newly_acked = (packet.ack - peer.isn - peer.acked) & MASK
                acked = peer.acked + newly_acked
                octets = data[start : packet.end]
                end = sender.next + len(octets)
                judge = self._judge
                if (
                    ordinary
                    and acked <= peer.next
                    and end <= sender.edge
                    and end - sender.acked <= judge.flow_memory
                    and judge.buffered + len(octets) <= judge.memory
                ):
                    shown = not flow.detect_done or bool(flow.classifying)
                    looked_at = shown or self._listened or sender.judged > sender.acked
                    if looked_at and self._checksum_ok is not None and not self._checksum_ok(packet):
                        return self._refused(packet, flow)
                    if octets:
                        packet.segments = ((sender.next - 1 - sender.removed, octets, 0),)
                        if shown:
                            flow.unacked = True
                    edge = acked + (packet.window << sender.shift)
                    self._staged = (sender, peer, octets if looked_at else None, end, acked, edge, tsval, shown)
                    return None
        judgement = self._judge.judge(packet, flow)
        if judgement is None or type(judgement) is Drop:
            return judgement
        assert type(judgement) is Step
        self._staged = judgement
        packet.segments = judgement.segments
        if judgement.segments and (not flow.detect_done or flow.classifying):
            flow.unacked = judgement.shown = True
        return None

    def _refused(self, packet: Packet, flow: Flow) -> Drop | None:
        """The judge says why."""
        judgement = self._judge.judge(packet, flow)
        return judgement if isinstance(judgement, Drop) else None

    @hookimpl
    def pywall_decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
        """Commit what was staged when the packet was accepted."""
        staged = self._staged
        if staged is None:
            return
        self._staged = None
        if verdict.action is not ACCEPT:
            flow.unacked = outstanding(flow)
        elif isinstance(staged, tuple):
            sender, peer, octets, end, acked, edge, tsval, shown = staged
            if sender.next == sender.acked:
                sender.tsval = tsval
            if end != sender.next:
                if octets is None:
                    self._judge.buffered -= sender.forget()
                else:
                    if sender.kept is None:
                        sender.kept = bytearray(octets)
                    else:
                        sender.kept += octets
                    self._judge.buffered += len(octets)
                    if shown:
                        sender.judged = end
                sender.next = end
                if end > sender.top:
                    sender.top = end
            if acked != peer.acked:
                self._judge.buffered -= peer.acknowledge(acked)
                if flow.unacked:
                    flow.unacked = outstanding(flow)
            if edge > peer.edge:
                peer.edge = edge
        else:
            self._judge.buffered += staged.commit(flow, packet.to_server, self.options.timeouts)
            self._gaps += sum(1 for _, _, gap in packet.segments if gap)

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Let go of what is held for the flow."""
        if flow.proto == TCP and flow.tracker is not None:
            self._judge.buffered -= sum(half.buffered() for half in flow.tracker)
            flow.tracker = None

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """Octets held now, and gaps handed on so far."""
        return {"buffered": self._judge.buffered, "gaps": self._gaps}
