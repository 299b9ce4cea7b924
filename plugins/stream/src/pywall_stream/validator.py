"""Segments that are not on the fast path: would the receiver accept the segment, and what does it change?

Written after RFC 9293 section 3.10, RFC 5961 and RFC 7323, and after what Linux does (net/ipv4/tcp_input.c) where the
RFCs leave a choice. A segment that the receiver would refuse is dropped and changes nothing. A segment that
receivers may read in different ways is dropped, so that one reading is left.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from pywall_core.api import ACK, FIN, RST, SYN, URG, Drop, Flow

from . import refusals, states
from .checksum import Checksums
from .direction import HALF_SPACE, LARGEST_WINDOW, MASK, UNKNOWN_WINDOW, StreamDirection
from .midstream import adopt_midstream, skip_probes
from .multipath import has_mptcp
from .options import MAX_SHIFT, NO_OPTIONS, Options, parse_options
from .pending import Directions, PendingUpdate, StateTimeouts
from .reassembly import stage_in_order
from .segment import Segment
from .settings import Timeouts
from .urgent import AMBIGUOUS, urgent_position

#: A packet is dropped, changes something once accepted, or (None) passes and changes nothing.
Outcome: TypeAlias = Drop | PendingUpdate | None

#: CLOSED: its SYN was sent before the firewall looked
_AWAIT_SYN_ACK: Final = frozenset({"CLOSED", "SYN_SENT1", "SYN_SENT3"})


class SegmentValidator:
    """Validates segments. The plugin sets the attributes once, at startup.

    ``from_capture``: packets come from a capture. ``lossy``: packets may have passed unseen (a capture, or a queue
    that fails open), so an acknowledgement proves that they arrived. ``has_segment_hooks``: a plugin wants ordered
    bytes also after detection. ``strips_syn_data``: the data of a SYN will be taken off. ``pass_unordered``: accept
    what cannot be put in order. ``misses_bare_acks``: segments without content may pass unseen in the first packets.
    ``checksums``: None if they are not checked.
    """

    def __init__(self, timeouts: Timeouts, flow_memory: int, memory: int) -> None:
        self.timeouts = StateTimeouts(timeouts)
        self.flow_memory = flow_memory
        self.memory, self.buffered = memory, 0
        self.lossy = self.from_capture = self.pass_unordered = False
        self.has_segment_hooks = True
        self.refuses_mptcp = self.strips_syn_data = self.misses_bare_acks = False
        self.midstream = "inspect"
        self.checksums: Checksums | None = None

    def validate(self, segment: Segment, flow: Flow, directions: Directions | None) -> Outcome:
        """Return the outcome of one TCP segment. ``directions`` is ``flow.tcp.tracker``, made at the first one."""
        flags = segment.flags
        if flags & SYN:
            if flags & (FIN | RST):
                return refusals.BAD_FLAGS
        elif not flags & (ACK | RST):
            return refusals.NO_ACK
        if self.checksums is not None and segment.whole and not self.checksums.right(segment):
            if self.from_capture and directions is not None and segment.end > segment.start:
                sender = directions[1] if segment.to_server else directions[0]
                sender.keep_bad_checksum(sender.position(segment.seq), segment.payload())
            return refusals.BAD_CHECKSUM
        header, start = segment.l4 + 20, segment.start
        options = parse_options(segment.data[header:start]) if start > header else NO_OPTIONS
        if directions is None or not (directions[0].seen or directions[1].seen):
            directions = self._begin(segment, flow, directions, options)
            if directions is None:
                return None
        sender, peer = (directions[1], directions[0]) if segment.to_server else directions
        if flags & SYN and self.refuses_mptcp and has_mptcp(segment.packet):
            return refusals.MULTIPATH
        if self.midstream == "drop-flow" and flow.midstream and not flow.inherited:
            return refusals.MIDSTREAM
        if not flags & SYN and sender.seen and options.signature != sender.signature:
            return refusals.BAD_SIGNATURE
        if flags & RST:
            return self._reset(segment, flow, sender, peer)
        if flags & SYN:
            if flags & ACK:
                return self._syn_ack(segment, flow, sender, peer, options)
            return self._syn(segment, flow, sender, peer, options)
        return self._segment(segment, flow, sender, peer, options)

    # --- the beginning --------------------------------------------------------------------------------------------

    def _begin(self, segment: Segment, flow: Flow, known: Directions | None, options: Options) -> Directions | None:
        """Return the two directions of a flow without accepted packets; None if the packet cannot begin one."""
        flags = segment.flags
        flow.timeout = self.timeouts.new
        if flags & RST:
            return None
        if known is not None and known[0].resumed and not flags & SYN:
            known[0].signature = known[1].signature = options.signature
            return known
        sender, peer = StreamDirection(segment.seq), StreamDirection((segment.ack - 1) & MASK)
        tcp = flow.tcp
        tcp.midstream = bool(flags & ACK)
        if not flags & SYN:
            sender.isn = (segment.seq - 1) & MASK
            sender.window_end = peer.window_end = UNKNOWN_WINDOW
            sender.shift = peer.shift = MAX_SHIFT
        sender.signature = peer.signature = options.signature
        tcp.tracker = directions = (peer, sender) if segment.to_server else (sender, peer)
        return directions

    def _syn(
        self, segment: Segment, flow: Flow, sender: StreamDirection, peer: StreamDirection, options: Options
    ) -> Outcome:
        data = segment.end > segment.start
        if data and options.fast_open and not (self.lossy or self.strips_syn_data):
            return refusals.BAD_SYN_DATA
        if peer.seen and (sender.seen or sender.resumed or flow.midstream):
            if segment.seq == sender.isn:
                return refusals.BAD_SYN_DATA if data and not self.lossy else None
            # RFC 5961 section 4: the receiver answers with a challenge ACK, unless it has lost the connection
            return refusals.BAD_SYN_DATA if data else PendingUpdate(sender, peer, resyn=(segment.seq + 1) & MASK)
        window = self._window_of_syn(segment, options)
        update = PendingUpdate(sender, peer, isn=segment.seq, options=options, window_end=1 + window, window=window)
        update.events.append(states.SYN)
        return self._with_data_of_syn(update, segment) if data else update

    def _syn_ack(
        self, segment: Segment, flow: Flow, sender: StreamDirection, peer: StreamDirection, options: Options
    ) -> Outcome:
        data = segment.end > segment.start
        if data and not self.lossy:
            return refusals.BAD_SYN_DATA
        position = peer.position_of_ack(segment.ack)
        receiver = flow.tcp.server_state if segment.to_server else flow.tcp.client_state
        if not sender.seen:
            if receiver not in _AWAIT_SYN_ACK:
                return refusals.BAD_SYN_ACK
            if position != 1:
                return None  # it answers another SYN, and the receiver will reset it
        elif segment.seq != sender.isn:
            if peer.resyn == segment.ack:
                # its sender has lost the connection and opens a new one: that is a flow of its own
                flow.closed = True
                return refusals.REOPENED
            if position != 1 or receiver != "SYN_SENT2":  # with SYN cookies a repeated SYN may get another answer
                return refusals.BAD_SYN_ACK
        elif flow.share != "new":
            return None
        elif position != 1 and not (self.lossy and position == peer.top):
            return refusals.BAD_ACK
        window = self._window_of_syn(segment, options)
        acked = max(position, 1)
        update = PendingUpdate(
            sender, peer, isn=segment.seq, options=options, window_end=1 + window, window=window, acked=acked
        )
        update.events.append(states.SYN_ACK)
        return self._with_data_of_syn(update, segment) if data else update

    def _window_of_syn(self, segment: Segment, options: Options) -> int:
        """Return the window that a SYN offers, in bytes: the largest one possible where later offers may pass unseen.
        Conntrack knows the exact one, and no byte counts before it is acknowledged."""
        return LARGEST_WINDOW << max(options.shift, 0) if self.misses_bare_acks else segment.window

    def _with_data_of_syn(self, update: PendingUpdate, segment: Segment) -> PendingUpdate:
        """In a capture the data of a SYN count when they are acknowledged, with the sender's next segment."""
        if self.lossy:
            data = segment.payload()
            update.next, update.top, update.out_of_order = 1, 1 + len(data), [(1, data)]
        return update

    # --- the end --------------------------------------------------------------------------------------------------

    def _reset(self, segment: Segment, flow: Flow, sender: StreamDirection, peer: StreamDirection) -> Outcome:
        """RFC 9293 section 3.10.7.3 before the handshake is done, RFC 5961 section 3.2 after it."""
        if not (sender.seen or sender.resumed or flow.midstream):
            is_refusal = segment.flags & ACK and peer.position_of_ack(segment.ack) == 1
            return PendingUpdate(sender, peer, reset=True) if is_refusal else refusals.BAD_RST
        position = sender.position(segment.seq)
        if position == sender.next:
            return PendingUpdate(sender, peer, reset=True)
        near = sender.acked - 1 <= position <= max(sender.window_end, sender.top)
        return None if near or flow.share != "established" or self.lossy else refusals.BAD_RST

    # --- data and acknowledgements ------------------------------------------------------------------------------------

    def _segment(  # noqa: C901 - the checks of RFC 9293 3.10.7.4, in order
        self, segment: Segment, flow: Flow, sender: StreamDirection, peer: StreamDirection, options: Options
    ) -> Outcome:
        start, flags = segment.start, segment.flags
        data, fin = segment.data[start : segment.end], flags & FIN
        loose = self.lossy or flow.final is not None
        midstream = flow.midstream
        unseen = midstream or sender.resumed  # packets may have passed that this process has not seen
        adopted = not ((sender.seen and peer.seen) or unseen)
        if adopted:
            if not loose:
                return refusals.NO_HANDSHAKE if data or fin else None
            adopt_midstream(segment, sender, peer)
        before = skip_probes(segment, sender, peer) if midstream and not flow.inherited else 0
        at, data = sender.position(segment.seq + before), data[before:]
        end = at + max(segment.length - start - before, len(data))
        if self.from_capture and sender.missing:  # an acknowledgement may stand before what it acknowledges
            sender.reopen_hole(at)
        if end + bool(fin) <= sender.acked and (end > at or at < sender.acked):
            # old: the receiver throws it away, though Linux may still take note of the urgent pointer
            urgent = urgent_position(segment, at, end, sender) if flags & URG else sender.urgent
            return refusals.AMBIGUOUS_URGENT if urgent != sender.urgent and self._must_inspect(flow, sender) else None
        acked = peer.position_of_ack(segment.ack)
        if (refusal := self._check_ack(acked, flow, sender, peer, loose, unseen)) is not None:
            return refusal
        if options.tsval >= 0 and sender.tsval >= 0 and (options.tsval - sender.tsval) & MASK >= HALF_SPACE:
            return refusals.OLD_TIMESTAMP if data or fin else None
        refusal = self._check_place(at, end, len(data), fin, sender, peer, loose)
        if refusal is not None:
            return refusal
        if sender.lags and end + bool(fin) > at:
            self.buffered -= len(sender.unacked_data or b"")
            sender.catch_up(at)
            self.buffered += len(sender.unacked_data or b"")
        if not sender.matches_sent(at, data):
            return None if self.pass_unordered else refusals.OVERLAP_CONFLICT
        urgent = sender.urgent
        if flags & URG or sender.urgent >= 0:
            urgent = urgent_position(segment, at, end, sender)
            if urgent == AMBIGUOUS:
                if self._must_inspect(flow, sender):
                    return refusals.AMBIGUOUS_URGENT
                urgent = sender.urgent
        update = PendingUpdate(sender, peer, top=end + bool(fin) if data or fin else -1, acked=acked, urgent=urgent)
        refusal = self._put_in_order(update, flow, at, data, end, fin)
        if refusal is not None:
            return refusal
        if at <= sender.acked and (sender.tsval >= 0 or (unseen and not sender.seen)):
            update.tsval = options.tsval
        update.window = segment.window << max(sender.shift, 0)
        update.window_end = acked + update.window
        if adopted or not (sender.seen or peer.seen):
            update.events.append(states.MIDSTREAM)
        elif flow.share == "new":
            update.events.append(states.ACK_OF_SYN)
        if 0 <= peer.fin < acked:
            update.events.append(states.ACK_OF_FIN)
        if fin:
            update.events.append(states.FIN)
        return update

    def _check_ack(
        self, acked: int, flow: Flow, sender: StreamDirection, peer: StreamDirection, loose: bool, unseen: bool
    ) -> Drop | None:
        """Return a Drop for an acknowledgement that is out of range: RFC 5961 section 5.2, or before the first byte."""
        if acked > peer.top:
            return None if loose or flow.interrupted or (unseen and not peer.seen) else refusals.BAD_ACK
        if acked > peer.next and not (loose or unseen):
            return refusals.BAD_ACK  # acknowledges a hole that nobody has filled
        if acked < peer.acked - max(sender.window, 1) or (acked < 1 and not unseen):
            begins_before = unseen and peer.acked <= 1  # what it acknowledges was sent before the first packet here
            return None if loose or begins_before else refusals.OLD_ACK
        return None

    def _check_place(
        self, at: int, end: int, size: int, fin: int, sender: StreamDirection, peer: StreamDirection, loose: bool
    ) -> Drop | None:
        """Return a Drop for a segment outside of the window, or in conflict with the sender's FIN."""
        if sender.reset:
            return refusals.CLOSED if size or fin else None
        room = sender.window_end + (peer.window if self.lossy else 0)
        probe = at == sender.next and (size <= 1 or loose)
        if end > room and not probe:
            return refusals.OUT_OF_WINDOW
        if sender.fin >= 0:
            if end > sender.fin + (size == 0) or (fin and end != sender.fin):
                return refusals.FIN_CONFLICT
        elif fin and end < sender.top:
            return refusals.FIN_CONFLICT
        return None

    def _put_in_order(self, update: PendingUpdate, flow: Flow, at: int, data: bytes, end: int, fin: int) -> Drop | None:
        """Put the bytes in order and stage them. Return a Drop if the memory is used up."""
        sender = update.sender
        pieces = sender.new_pieces(at, data)
        new_bytes = sum(len(piece) for _, piece in pieces)
        behind_hole = at > max(sender.next, sender.acked)
        full = new_bytes and self._full(sender, new_bytes, behind_hole)
        if full and (behind_hole or self._must_inspect(flow, sender)):
            return None if self.pass_unordered else refusals.NO_MEMORY
        stage_in_order(update, pieces, end if end > at + len(data) else -1, end if fin else sender.fin)
        if full or not self._must_inspect(flow, sender):  # hand them on without remembering them
            update.data = b""
            update.data_follows = False
        if fin:
            update.fin = end
        return None

    def _must_inspect(self, flow: Flow, sender: StreamDirection) -> bool:
        """Return True if a plugin takes the bytes, or detectors saw bytes that the receiver has not acknowledged."""
        return self.has_segment_hooks or flow.looked_at or sender.inspected > sender.acked

    def _full(self, sender: StreamDirection, new_bytes: int, behind_hole: bool) -> bool:
        """Return True if the memory is used up. Out-of-order bytes may use half of it: connections in order go on."""
        total = self.memory // 2 if behind_hole else self.memory
        return self.buffered + new_bytes > total or sender.buffered() + new_bytes > self.flow_memory
