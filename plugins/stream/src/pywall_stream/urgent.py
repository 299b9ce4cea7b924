"""Urgent data: the byte that the application does not read in order."""

from __future__ import annotations

from typing import Final

from pywall_core.api import URG

from .direction import StreamDirection
from .segment import Segment

#: Instead of a position: receivers, or copies of the segment, may differ about it.
AMBIGUOUS: Final = -2


def urgent_position(segment: Segment, at: int, end: int, sender: StreamDirection) -> int:
    """Return the position of the urgent byte after this segment, or AMBIGUOUS.

    A socket without SO_OOBINLINE leaves out the byte before the urgent pointer (RFC 6093 section 2; Linux:
    ``tcp_check_urg``). One such byte in a stream can be followed; a second one, or conflicting copies, cannot.
    """
    known = sender.urgent
    pointer = int.from_bytes(segment.data[segment.l4 + 18 : segment.l4 + 20], "big") if segment.flags & URG else 0
    position = at + max(pointer - 1, 0)
    if not segment.flags & URG or position < sender.acked:  # a pointer to what was received is ignored
        return AMBIGUOUS if max(at, sender.acked) <= known < end else known
    if position == known:
        return known
    return AMBIGUOUS if known >= 0 or sender.was_sent(position) else position
