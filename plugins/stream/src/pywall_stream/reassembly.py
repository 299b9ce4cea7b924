"""Order: which octets follow what was handed on, and which wait behind a hole."""

from __future__ import annotations

from .step import Segments, Step

Piece = tuple[int, bytes, int]


def arrange(step: Step, pieces: list[tuple[int, bytes]], cut_end: int, fin: int) -> None:
    """Stage new ``pieces`` (position, octets; disjoint from what is held) of the step's sender.

    ``cut_end`` is where the last piece would end if the capture had not cut the packet short, -1 for a whole packet;
    ``fin`` the position of the FIN, -1 while there is none.
    """
    sender = step.sender
    if not pieces and not sender.late and not sender.missing and max(sender.acked, cut_end) <= sender.next:
        step.fin_arrives = fin == sender.next
        step.next = sender.next + step.fin_arrives
        return
    waiting = sorted([*sender.late, *pieces]) if sender.late else pieces
    position = sender.next
    gap = sender.missing
    handed: list[Piece] = []
    for start, data in waiting:
        if start > position:
            if start > sender.acked:
                break
            gap += start - position  # acknowledged: the receiver has what never came by
        handed.append((start, data, gap))
        gap = 0
        position = start + len(data)
    late = waiting[len(handed) :]
    behind = sender.acked if late else max(sender.acked, cut_end)
    if behind > position:
        gap += behind - position
        position = behind
    last_gap = max((i for i, piece in enumerate(handed) if piece[2]), default=-1)
    step.data = b"" if gap else b"".join(data for _, data, _ in handed[max(last_gap, 0) :])
    step.data_follows = last_gap < 0 and not gap
    step.late = late or None
    step.missing = gap
    step.fin_arrives = sender.next <= fin == position and not late
    step.next = position + step.fin_arrives
    step.segments = _segments(step, handed)


def _segments(step: Step, handed: list[Piece]) -> Segments:
    """Stream offsets instead of positions, without the urgent octet."""
    removed = step.sender.removed
    if len(handed) == 1 and step.urgent < 0:
        start, data, gap = handed[0]
        return ((start - 1 - removed, data, gap),)
    segments = []
    for start, data, gap in handed:
        urgent = step.urgent - start
        offset = start - 1 - removed
        if 0 <= urgent < len(data):
            step.removed = 1
            removed += 1
            data = data[:urgent] + data[urgent + 1 :]
        segments.append((offset, data, gap))
    return tuple(segments)
