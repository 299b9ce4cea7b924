"""The hooks for packets: a segment's change is staged, and committed when its packet is accepted.

The ordinary segment of an established connection (in order, within the window, nothing out of order or urgent) takes
the fast path; every other one goes through :mod:`.validator`.
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import ACCEPT, ACK, FIN, RST, SYN, TCP, URG, Drop, Flow, Packet, Verdict

from .direction import HALF_SPACE, MASK, StreamDirection
from .multipath import has_mptcp, without_mptcp
from .options import TIMESTAMPS, u32
from .pending import Directions, PendingUpdate, has_unacked_data
from .segment import Segment
from .syn_data import without_data
from .validator import SegmentValidator

#: a name of this module: compiled, one that another distribution has is looked up each time
_ACCEPT: Final = ACCEPT
_FAST_PATH_FLAGS: Final = FIN | SYN | RST | URG | ACK


class _FastUpdate:
    """The change of a segment on the fast path, as in :class:`.pending.PendingUpdate`. ``payload`` is None if no
    plugin inspects the flow.
    """

    __slots__ = ("acked", "end", "payload", "peer", "seen_by_detectors", "sender", "tsval", "window_end")

    def __init__(self, sender: StreamDirection, peer: StreamDirection) -> None:
        self.sender = sender
        self.peer = peer
        self.payload: bytes | None = None
        self.end = self.acked = self.window_end = 0
        self.tsval = -1
        self.seen_by_detectors = False


class Tracker:
    """Follows the TCP connections of one engine. Its validator knows whether bytes and checksums are inspected."""

    def __init__(self, validator: SegmentValidator) -> None:
        self.validator = validator
        self.gaps = 0
        #: take Multipath TCP's options out of SYNs whose verdict is not final, and how often that was done
        self.strips_mptcp = False
        self.stripped = self.syn_data_stripped = 0
        self._segment = Segment()
        self._fast = _FastUpdate(StreamDirection(0), StreamDirection(0))
        self._on_fast_path = False
        self._update: PendingUpdate | None = None

    def packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Stage the change that the packet makes."""
        self._on_fast_path = False
        self._update = None
        segment = self._segment
        if not segment.read(packet):
            return None
        tcp = flow.tcp
        directions: Directions | None = tcp.tracker
        validator = self.validator
        if directions is not None and segment.flags & _FAST_PATH_FLAGS == ACK and segment.whole:
            server, client = directions
            sender, peer = (client, server) if segment.to_server else (server, client)
            if sender.fast_path_ok and self._stage_fast(segment, flow, sender, peer):
                staged = self._fast
                looked_at = staged.seen_by_detectors or validator.has_segment_hooks or sender.inspected > sender.acked
                if looked_at and validator.checksums is not None and not validator.checksums.right(segment):
                    refusal = validator.validate(segment, flow, directions)  # it says why
                    return refusal if isinstance(refusal, Drop) else None
                payload = staged.payload
                if payload:
                    packet.segments = ((sender.next - 1 - sender.removed, payload, 0),)
                if segment.to_server or tcp.midstream:
                    tcp.unacked |= staged.seen_by_detectors and bool(payload)
                elif tcp.unacked:
                    tcp.unacked = peer.inspected > staged.acked  # as it will be, if this packet is accepted
                if not looked_at:
                    staged.payload = None
                self._on_fast_path = True
                return None
        outcome = validator.validate(segment, flow, directions)
        if isinstance(outcome, PendingUpdate):
            self._update = outcome
            if outcome.segments:
                packet.segments = outcome.segments
                if flow.looked_at:
                    outcome.seen_by_detectors = True
                    tcp.unacked |= segment.to_server or tcp.midstream
            return None
        return outcome

    def _stage_fast(self, segment: Segment, flow: Flow, sender: StreamDirection, peer: StreamDirection) -> bool:
        if (segment.seq - sender.isn - sender.next) & MASK:
            return False
        data, start = segment.data, segment.start
        options = start - segment.l4 - 20
        tsval = sender.tsval
        if options == 12 and tsval >= 0 and data[start - 12 : start - 8] == TIMESTAMPS:
            tsval = u32(data, start - 8)
            if (tsval - sender.tsval) & MASK >= HALF_SPACE:
                return False
        elif options:
            return False
        acked = peer.acked + ((segment.ack - peer.isn - peer.acked) & MASK)
        payload = data[start : segment.end]
        end = sender.next + len(payload)
        validator = self.validator
        if (
            acked > peer.next
            or end > sender.window_end
            or end - sender.acked > validator.flow_memory
            or validator.buffered + len(payload) > validator.memory
        ):
            return False
        staged = self._fast
        staged.sender, staged.peer = sender, peer
        staged.payload, staged.end = payload, end
        staged.acked, staged.window_end = acked, acked + (segment.window << max(sender.shift, 0))
        staged.tsval = tsval
        staged.seen_by_detectors = flow.looked_at
        return True

    def decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
        """Commit what was staged when the packet was accepted."""
        update = self._update
        accepted = verdict.action is _ACCEPT
        if self._on_fast_path:
            self._on_fast_path = False
            if accepted:
                self._commit(flow)
            else:
                _forget(flow)
            return
        flags = packet.flags if update is None else self._segment.flags
        if flags & SYN and self.strips_mptcp and packet.proto == TCP:
            self._strip_mptcp(packet, verdict)
        if update is None:
            return
        if flags & (SYN | ACK) == SYN and self._segment.end > self._segment.start:
            self._strip_data(packet, verdict)
        self._update = None
        if not accepted:
            _forget(flow)
            return
        validator = self.validator
        validator.buffered += update.commit(flow, self._segment.to_server, validator.timeouts)
        for _, _, gap in update.segments:
            if gap:
                self.gaps += 1
        if validator.misses_bare_acks and update.sender.is_closed() and update.peer.is_closed():
            self._close_unseen(flow)

    def _close_unseen(self, flow: Flow) -> None:
        """Close a flow both of whose FINs have gone by: the last acknowledgement may pass unseen, and a client may use
        the port again at once.
        """
        flow.state = flow.share = "closed"
        flow.closed = True
        flow.timeout = self.validator.timeouts.closed

    def _strip_mptcp(self, packet: Packet, verdict: Verdict) -> None:
        """A handshake whose verdict may change, since rules ask for what it will carry, goes on as plain TCP."""
        open_yet = verdict.action is _ACCEPT and not verdict.final
        if open_yet and not packet.related and packet.error is None and has_mptcp(packet):
            packet.rewritten = without_mptcp(packet)
            self.stripped += 1

    def _strip_data(self, packet: Packet, verdict: Verdict) -> None:
        """The data of a SYN come again with the handshake done, where rules can decide on them."""
        if verdict.action is _ACCEPT and self.validator.strips_syn_data and not packet.related:
            packet.rewritten = without_data(packet, packet.rewritten or packet.data)
            self.syn_data_stripped += 1

    def _commit(self, flow: Flow) -> None:
        staged = self._fast
        sender, peer, payload, end = staged.sender, staged.peer, staged.payload, staged.end
        if sender.next == sender.acked:
            sender.tsval = staged.tsval
        if end != sender.next:
            if payload is None:
                self.validator.buffered -= sender.drop_unacked()
            else:
                if sender.unacked_data is None:
                    sender.unacked_data = bytearray(payload)
                else:
                    sender.unacked_data += payload
                self.validator.buffered += len(payload)
                if staged.seen_by_detectors:
                    sender.inspected = end
            sender.next = end
            if end > sender.top:
                sender.top = end
        if staged.acked != peer.acked:
            self.validator.buffered -= peer.acknowledge(staged.acked)
            tcp = flow.tcp
            if tcp.unacked:
                from_server, from_client = tcp.tracker
                tcp.unacked = has_unacked_data(tcp, from_server, from_client)
        if staged.window_end > peer.window_end:
            peer.window_end = staged.window_end

    def release(self, flow: Flow) -> None:
        """Free everything held for the flow."""
        directions: Directions | None = flow.tcp.tracker if flow.proto == TCP else None
        if directions is not None:
            server, client = directions
            self.validator.buffered -= server.buffered() + client.buffered()
            flow.tcp.tracker = None

    def flow_end(self, flow: Flow, reason: str) -> None:
        """Free everything held for a flow that has ended."""
        self.release(flow)


def _forget(flow: Flow) -> None:
    """What was staged for a packet that was not accepted has not arrived."""
    tcp = flow.tcp
    from_server, from_client = tcp.tracker
    tcp.unacked = has_unacked_data(tcp, from_server, from_client)
