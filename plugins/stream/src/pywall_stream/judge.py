"""Every segment but the ordinary one: would its receiver take it, and what would it change?

Written after RFC 9293 section 3.10, RFC 5961 and RFC 7323, and after what Linux does (net/ipv4/tcp_input.c) where the
RFCs leave a choice. What the receiver would refuse is dropped and changes nothing; what receivers might read in
different ways is dropped, so that there is one reading left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from pywall_core.api import ACK, FIN, RST, SYN, URG, Drop, Flow, Packet

from . import states
from .half import HALF_SPACE, MASK, UNKNOWN_WINDOW, Half
from .multipath import has_mptcp
from .options import MAX_SHIFT, NO_OPTIONS, Options, parse_options
from .reassembly import arrange
from .settings import Timeouts
from .step import Halves, Step
from .urgent import AMBIGUOUS, urgent_position

#: A packet is dropped, changes something once accepted, or (None) passes and changes nothing.
Judgement: TypeAlias = Drop | Step | None

#: CLOSED: its SYN was sent before the firewall looked
_AWAIT_SYN_ACK: Final = frozenset({"CLOSED", "SYN_SENT1", "SYN_SENT3"})

_NO_ACK: Final = Drop("stream.no_ack")
_FLAGS: Final = Drop("stream.flags")
_CHECKSUM: Final = Drop("stream.bad_checksum")
_SIGNATURE: Final = Drop("stream.signature")
_SYN_DATA: Final = Drop("stream.syn_data")
_SYN_ACK: Final = Drop("stream.syn_ack")
_REOPENED: Final = Drop("stream.reopened")
_NO_HANDSHAKE: Final = Drop("stream.no_handshake")
_BAD_ACK: Final = Drop("stream.bad_ack")
_OLD_ACK: Final = Drop("stream.old_ack")
_PAWS: Final = Drop("stream.paws")
_WINDOW: Final = Drop("stream.window")
_RST: Final = Drop("stream.bad_rst")
_CLOSED: Final = Drop("stream.closed")
_FIN: Final = Drop("stream.fin_conflict")
_OVERLAP: Final = Drop("stream.overlap_conflict")
_URGENT: Final = Drop("stream.urgent")
_MEMORY: Final = Drop("stream.memory")
_MPTCP: Final = Drop("stream.mptcp")
_MIDSTREAM: Final = Drop("stream.midstream", flow=True)


class Judge:
    """Judges segments. The plugin sets the attributes once, at start.

    ``captured``: packets come from a capture.
    ``lossy``: packets may have passed that were not seen (a capture, or a queue that fails open), so what a receiver
    acknowledges is believed. ``listened``: a plugin takes ordered octets beyond detection. ``pass_unordered``: what
    cannot be put in order passes. ``checksum_ok`` is None where checksums are not looked at.
    """

    def __init__(self, timeouts: Timeouts, flow_memory: int, memory: int) -> None:
        self.timeouts = timeouts
        self.flow_memory = flow_memory
        self.memory = memory
        self.buffered = 0
        self.lossy = self.captured = False
        self.listened = True
        self.pass_unordered = False
        self.refuses_mptcp = False
        self.midstream = "inspect"
        self.checksum_ok: Callable[[Packet], bool] | None = None

    def judge(self, packet: Packet, flow: Flow) -> Judgement:
        """One TCP packet of ``flow``, whose tracker is made here at the first one."""
        flags = packet.flags
        if flags & SYN:
            if flags & (FIN | RST):
                return _FLAGS
        elif not flags & (ACK | RST):
            return _NO_ACK
        if self.checksum_ok is not None and packet.error is None and not self.checksum_ok(packet):
            if self.captured and flow.tracker is not None and packet.end > packet.start:
                sender = flow.tracker[packet.to_server]
                sender.doubt(sender.position(packet.seq), packet.payload)
            return _CHECKSUM
        header = packet.l4 + 20
        options = parse_options(packet.data[header : packet.start]) if packet.start > header else NO_OPTIONS
        halves: Halves | None = flow.tracker
        if halves is None or not (halves[0].seen or halves[1].seen):
            halves = self._begin(packet, flow, options)
            if halves is None:
                return None
        sender, peer = halves[packet.to_server], halves[not packet.to_server]
        if flags & SYN and self.refuses_mptcp and has_mptcp(packet):
            return _MPTCP
        if flow.midstream and self.midstream == "drop-flow" and not flow.inherited:
            return _MIDSTREAM
        if not flags & SYN and sender.seen and options.signature != sender.signature:
            return _SIGNATURE
        if flags & RST:
            return self._reset(packet, flow, sender, peer)
        if flags & SYN:
            if flags & ACK:
                return self._syn_ack(packet, flow, sender, peer, options)
            return self._syn(packet, flow, sender, peer, options)
        return self._segment(packet, flow, sender, peer, options)

    # --- the beginning --------------------------------------------------------------------------------------------

    def _begin(self, packet: Packet, flow: Flow, options: Options) -> Halves | None:
        """A tracker for a flow of which no packet was let through yet; None for a packet that begins nothing."""
        flags = packet.flags
        flow.timeout = self.timeouts.new
        if flags & RST:
            return None
        sender, peer = Half(packet.seq), Half((packet.ack - 1) & MASK)
        flow.midstream = bool(flags & ACK)
        if not flags & SYN:
            sender.isn = (packet.seq - 1) & MASK
            sender.edge = peer.edge = UNKNOWN_WINDOW
            sender.shift = peer.shift = MAX_SHIFT
        sender.signature = peer.signature = options.signature
        flow.tracker = halves = (peer, sender) if packet.to_server else (sender, peer)
        return halves

    def _syn(self, packet: Packet, flow: Flow, sender: Half, peer: Half, options: Options) -> Judgement:
        data = packet.end > packet.start
        if data and options.fast_open and not self.lossy:
            return _SYN_DATA
        if peer.seen and (sender.seen or flow.midstream):
            if packet.seq == sender.isn:
                return None
            # RFC 5961 section 4: the receiver answers with a challenge ACK, unless it has lost the connection
            return _SYN_DATA if data else Step(sender, peer, resyn=(packet.seq + 1) & MASK)
        window = packet.window
        step = Step(sender, peer, isn=packet.seq, options=options, edge=1 + window, window=window)
        step.events.append(states.SYN)
        return self._with_data(step, packet) if data else step

    def _syn_ack(self, packet: Packet, flow: Flow, sender: Half, peer: Half, options: Options) -> Judgement:
        data = packet.end > packet.start
        if data and not self.lossy:
            return _SYN_DATA
        position = peer.position_of_ack(packet.ack)
        receiver = flow.server_state if packet.to_server else flow.client_state
        if not sender.seen:
            if receiver not in _AWAIT_SYN_ACK:
                return _SYN_ACK
            if position != 1:
                return None  # it answers another SYN, and the receiver will reset it
        elif packet.seq != sender.isn:
            if peer.resyn == packet.ack:
                # its sender has lost the connection and opens a new one: that shall be a flow of its own
                flow.closed = True
                return _REOPENED
            if position != 1 or receiver != "SYN_SENT2":  # with SYN cookies a repeated SYN may get another answer
                return _SYN_ACK
        elif flow.share != "new":
            return None
        elif position != 1 and not (self.lossy and position == peer.top):
            return _BAD_ACK
        window = packet.window
        acked = max(position, 1)
        step = Step(sender, peer, isn=packet.seq, options=options, edge=1 + window, window=window, acked=acked)
        step.events.append(states.SYN_ACK)
        return self._with_data(step, packet) if data else step

    def _with_data(self, step: Step, packet: Packet) -> Step:
        """In a capture the data of a SYN count once they are acknowledged, with the sender's next packet."""
        if self.lossy:
            data = packet.payload
            step.next, step.top, step.late = 1, 1 + len(data), [(1, data)]
        return step

    # --- the end --------------------------------------------------------------------------------------------------

    def _reset(self, packet: Packet, flow: Flow, sender: Half, peer: Half) -> Judgement:
        """RFC 9293 section 3.10.7.3 before the handshake is done, RFC 5961 section 3.2 after it."""
        if not (sender.seen or flow.midstream):
            refusal = packet.flags & ACK and peer.position_of_ack(packet.ack) == 1
            return Step(sender, peer, reset=True) if refusal else _RST
        position = sender.position(packet.seq)
        if position == sender.next:
            return Step(sender, peer, reset=True)
        near = sender.acked - 1 <= position <= max(sender.edge, sender.top)
        return None if near or flow.share != "established" or self.lossy else _RST

    # --- what lies between ----------------------------------------------------------------------------------------

    def _segment(self, packet: Packet, flow: Flow, sender: Half, peer: Half, options: Options) -> Judgement:  # noqa: C901 - the checks of RFC 9293 3.10.7.4, in order
        data = packet.data[packet.start : packet.end]
        fin = packet.flags & FIN
        loose = self.lossy or flow.final is not None
        adopted = False
        if not (sender.seen and peer.seen) and not flow.midstream:
            if not loose:
                return _NO_HANDSHAKE if data or fin else None
            adopted = True
            _adopt(packet, sender, peer)
        at = sender.position(packet.seq)
        end = at + max(packet.length - packet.start, len(data))
        if end + bool(fin) <= sender.acked and (end > at or at < sender.acked):
            # old: the receiver throws it away, though Linux may still take note of the urgent pointer
            urgent = urgent_position(packet, at, end, sender) if packet.flags & URG else sender.urgent
            return _URGENT if urgent != sender.urgent and self._looked_at(flow, sender) else None
        acked = peer.position_of_ack(packet.ack)
        refused = self._refuse_ack(acked, flow, sender, peer, loose)
        if refused is not None:
            return refused
        if options.tsval >= 0 and sender.tsval >= 0 and (options.tsval - sender.tsval) & MASK >= HALF_SPACE:
            return _PAWS if data or fin else None
        refused = self._refuse_place(at, end, len(data), fin, sender, peer, loose)
        if refused is not None:
            return refused
        if not sender.agrees(at, data):
            return None if self.pass_unordered else _OVERLAP
        urgent = sender.urgent
        if packet.flags & URG or sender.urgent >= 0:
            urgent = urgent_position(packet, at, end, sender)
            if urgent == AMBIGUOUS:
                if self._looked_at(flow, sender):
                    return _URGENT
                urgent = sender.urgent
        step = Step(sender, peer, top=end + bool(fin) if data or fin else -1, acked=acked, urgent=urgent)
        refused = self._order(step, flow, at, data, end, fin)
        if refused is not None:
            return refused
        if at <= sender.acked and (sender.tsval >= 0 or (flow.midstream and not sender.seen)):
            step.tsval = options.tsval
        step.window = packet.window << max(sender.shift, 0)
        step.edge = acked + step.window
        if adopted or not (sender.seen or peer.seen):
            step.events.append(states.MIDSTREAM)
        elif flow.share == "new":
            step.events.append(states.ACK_OF_SYN)
        if 0 <= peer.fin < acked:
            step.events.append(states.ACK_OF_FIN)
        if fin:
            step.events.append(states.FIN)
        return step

    def _refuse_ack(self, acked: int, flow: Flow, sender: Half, peer: Half, loose: bool) -> Drop | None:
        """RFC 5961 section 5.2, and nothing before the first octet."""
        if acked > peer.top:
            unseen = loose or (flow.midstream and not peer.seen)
            return None if unseen else _BAD_ACK
        if acked > peer.next and not (loose or flow.midstream):
            return _BAD_ACK  # acknowledges a hole that nobody has filled
        if acked < peer.acked - max(sender.window, 1) or (acked < 1 and not flow.midstream):
            return None if loose else _OLD_ACK
        return None

    def _refuse_place(
        self, at: int, end: int, size: int, fin: int, sender: Half, peer: Half, loose: bool
    ) -> Drop | None:
        """Outside of the window, or at odds with where the sender has ended its stream."""
        if sender.reset:
            return _CLOSED if size or fin else None
        room = sender.edge + (peer.window if self.lossy else 0)
        probe = at == sender.next and (size <= 1 or loose)
        if end > room and not probe:
            return _WINDOW
        if sender.fin >= 0:
            if end > sender.fin + (size == 0) or (fin and end != sender.fin):
                return _FIN
        elif fin and end < sender.top:
            return _FIN
        return None

    def _order(self, step: Step, flow: Flow, at: int, data: bytes, end: int, fin: int) -> Drop | None:
        """Put the octets in order and stage them."""
        sender = step.sender
        pieces = sender.unsent(at, data)
        grown = sum(len(piece) for _, piece in pieces)
        behind_hole = at > max(sender.next, sender.acked)
        full = grown and self._full(sender, grown, behind_hole)
        if full and (behind_hole or self._looked_at(flow, sender)):
            return None if self.pass_unordered else _MEMORY
        arrange(step, pieces, end if end > at + len(data) else -1, end if fin else sender.fin)
        if full or not self._looked_at(flow, sender):  # hand them on without remembering them
            step.data = b""
            step.data_follows = False
        if fin:
            step.fin = end
        return None

    def _looked_at(self, flow: Flow, sender: Half) -> bool:
        """The octets are taken by somebody, or detectors were shown some that the receiver has not acknowledged."""
        return self.listened or flow.looked_at or sender.judged > sender.acked

    def _full(self, sender: Half, grown: int, behind_hole: bool) -> bool:
        """Late octets may take half of the memory, so that connections in order go on beside a flood of holes."""
        total = self.memory // 2 if behind_hole else self.memory
        return self.buffered + grown > total or sender.buffered() + grown > self.flow_memory


def _adopt(packet: Packet, sender: Half, peer: Half) -> None:
    """Go on although the SYN of one side was not seen, where packets may have passed unseen."""
    if not sender.seen:
        sender.isn = (packet.seq - 1) & MASK
        sender.shift = MAX_SHIFT
    if not peer.seen:
        peer.isn = (packet.ack - 1) & MASK
        peer.shift = MAX_SHIFT
    sender.shift, peer.shift = max(sender.shift, 0), max(peer.shift, 0)
    sender.edge = peer.edge = UNKNOWN_WINDOW
    sender.tsval = peer.tsval = -1
