"""The hot hooks: what a segment would change is staged, and committed once its packet was accepted.

The ordinary segment of an established connection (in order, within the window, nothing late or urgent about) takes a
short way; every other one goes through the judge.
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import ACCEPT, ACK, FIN, RST, SYN, TCP, URG, Drop, Flow, Packet, Verdict

from .half import HALF_SPACE, MASK, Half
from .judge import Judge
from .multipath import has_mptcp, without_mptcp
from .step import Halves, Step, outstanding

_ORDINARY: Final = FIN | SYN | RST | URG | ACK
#: What Linux sends: NOP, NOP, timestamps (RFC 7323 appendix A).
_TIMESTAMPS: Final = b"\x01\x01\x08\x0a"


class _Staged:
    """An ordinary segment: what it would change, as in :class:`.step.Step`. ``octets`` is None where nobody looks."""

    __slots__ = ("acked", "edge", "end", "octets", "peer", "sender", "shown", "tsval")

    def __init__(self, sender: Half, peer: Half) -> None:
        self.sender = sender
        self.peer = peer
        self.octets: bytes | None = None
        self.end = self.acked = self.edge = 0
        self.tsval = -1
        self.shown = False


class Tracker:
    """TCP connections of one engine. Whether octets and checksums are looked at, the judge knows."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.gaps = 0
        #: take Multipath TCP's options out of SYNs whose verdict is not final, and how often that was done
        self.strips_mptcp = False
        self.stripped = 0
        self._ordinary = _Staged(Half(0), Half(0))
        self._short = False
        self._step: Step | None = None

    def packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Stage what the packet would change."""
        self._short = False
        self._step = None
        if packet.proto != TCP or packet.related:
            return None
        halves: Halves | None = flow.tracker
        judge = self.judge
        if halves is not None and packet.flags & _ORDINARY == ACK and packet.error is None:
            server, client = halves
            sender, peer = (client, server) if packet.to_server else (server, client)
            if sender.plain and self._is_ordinary(packet, flow, sender, peer):
                staged = self._ordinary
                looked_at = staged.shown or judge.listened or sender.judged > sender.acked
                if looked_at and judge.checksum_ok is not None and not judge.checksum_ok(packet):
                    refused = judge.judge(packet, flow)  # it says why
                    return refused if isinstance(refused, Drop) else None
                octets = staged.octets
                if octets:
                    packet.segments = ((sender.next - 1 - sender.removed, octets, 0),)
                if packet.to_server or flow.midstream:
                    flow.unacked |= staged.shown and bool(octets)
                elif flow.unacked:
                    flow.unacked = peer.judged > staged.acked  # as it will be, if this packet is accepted
                if not looked_at:
                    staged.octets = None
                self._short = True
                return None
        judgement = judge.judge(packet, flow)
        if isinstance(judgement, Step):
            self._step = judgement
            packet.segments = judgement.segments
            if judgement.segments and flow.looked_at:
                judgement.shown = True
                flow.unacked |= packet.to_server or flow.midstream
            return None
        return judgement

    def _is_ordinary(self, packet: Packet, flow: Flow, sender: Half, peer: Half) -> bool:
        if (packet.seq - sender.isn - sender.next) & MASK:
            return False
        data, start = packet.data, packet.start
        options = start - packet.l4 - 20
        tsval = sender.tsval
        if options == 12 and tsval >= 0 and data[start - 12 : start - 8] == _TIMESTAMPS:
            tsval = int.from_bytes(data[start - 8 : start - 4], "big")
            if (tsval - sender.tsval) & MASK >= HALF_SPACE:
                return False
        elif options:
            return False
        acked = peer.acked + ((packet.ack - peer.isn - peer.acked) & MASK)
        octets = data[start : packet.end]
        end = sender.next + len(octets)
        judge = self.judge
        if (
            acked > peer.next
            or end > sender.edge
            or end - sender.acked > judge.flow_memory
            or judge.buffered + len(octets) > judge.memory
        ):
            return False
        staged = self._ordinary
        staged.sender, staged.peer = sender, peer
        staged.octets, staged.end = octets, end
        staged.acked, staged.edge = acked, acked + (packet.window << max(sender.shift, 0))
        staged.tsval = tsval
        staged.shown = flow.looked_at
        return True

    def decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
        """Commit what was staged when the packet was accepted."""
        if packet.flags & SYN and self.strips_mptcp and packet.proto == TCP:
            self._strip_mptcp(packet, verdict)
        step = self._step
        if not self._short and step is None:
            return
        accepted = verdict.action is ACCEPT
        if not accepted:
            flow.unacked = outstanding(flow)
        elif step is not None:
            self.judge.buffered += step.commit(flow, packet.to_server, self.judge.timeouts)
            for _, _, gap in packet.segments:
                if gap:
                    self.gaps += 1
        else:
            self._commit(flow)
        self._short = False
        self._step = None

    def _strip_mptcp(self, packet: Packet, verdict: Verdict) -> None:
        """A handshake whose verdict may change, since rules ask for what it will carry, goes on as plain TCP."""
        open_yet = verdict.action is ACCEPT and not verdict.final
        if open_yet and not packet.related and packet.error is None and has_mptcp(packet):
            packet.rewritten = without_mptcp(packet)
            self.stripped += 1

    def _commit(self, flow: Flow) -> None:
        staged = self._ordinary
        sender, peer, octets, end = staged.sender, staged.peer, staged.octets, staged.end
        if sender.next == sender.acked:
            sender.tsval = staged.tsval
        if end != sender.next:
            if octets is None:
                self.judge.buffered -= sender.forget()
            else:
                if sender.kept is None:
                    sender.kept = bytearray(octets)
                else:
                    sender.kept += octets
                self.judge.buffered += len(octets)
                if staged.shown:
                    sender.judged = end
            sender.next = end
            if end > sender.top:
                sender.top = end
        if staged.acked != peer.acked:
            self.judge.buffered -= peer.acknowledge(staged.acked)
            if flow.unacked:
                flow.unacked = outstanding(flow)
        if staged.edge > peer.edge:
            peer.edge = staged.edge

    def release(self, flow: Flow) -> None:
        """Let go of what is held for the flow."""
        halves: Halves | None = flow.tracker if flow.proto == TCP else None
        if halves is not None:
            server, client = halves
            self.judge.buffered -= server.buffered() + client.buffered()
            flow.tracker = None

    def flow_end(self, flow: Flow, reason: str) -> None:
        """The same at the end."""
        self.release(flow)
