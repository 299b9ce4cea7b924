"""Connections whose start was not seen: where their streams begin, and what their receivers may accept."""

from __future__ import annotations

from pywall_core.api import FIN, PSH

from .direction import MASK, UNKNOWN_WINDOW, StreamDirection
from .options import MAX_SHIFT
from .segment import Segment


def skip_probes(segment: Segment, sender: StreamDirection, peer: StreamDirection) -> int:
    """Let the streams of a connection whose start was not seen begin behind a keep-alive (RFC 1122 4.2.3.6).

    A probe has the number of the last byte before, and that byte or none; a byte that somebody wrote comes with PSH.
    Return how many bytes of the segment belong before the stream: one of a probe that is the first packet of all.
    """
    if _begins_after(peer, segment.ack):
        peer.isn = (peer.isn + 1) & MASK
    if _begins_after(sender, segment.seq):
        sender.isn = (sender.isn + 1) & MASK
    elif (
        not (sender.seen or peer.seen)
        and segment.end == segment.start + 1 == segment.length
        and not segment.flags & (FIN | PSH)
    ):
        sender.isn = segment.seq
        return 1
    return 0


def _begins_after(direction: StreamDirection, number: int) -> bool:
    """Return True if nothing of a direction was seen but an empty segment one byte before ``number``."""
    empty = direction.top == direction.next == 1 and direction.fin < 0
    return empty and (number - direction.isn) & MASK == 2


def adopt_midstream(segment: Segment, sender: StreamDirection, peer: StreamDirection) -> None:
    """Continue although the SYN of one side was not seen: packets may have passed unseen."""
    if not sender.seen:
        sender.isn = (segment.seq - 1) & MASK
        sender.shift = MAX_SHIFT
    if not peer.seen:
        peer.isn = (segment.ack - 1) & MASK
        peer.shift = MAX_SHIFT
    sender.shift, peer.shift = max(sender.shift, 0), max(peer.shift, 0)
    sender.window_end = peer.window_end = UNKNOWN_WINDOW
    sender.tsval = peer.tsval = -1
