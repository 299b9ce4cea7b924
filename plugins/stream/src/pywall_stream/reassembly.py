"""Reassembly: which bytes are delivered next, and which wait behind a hole."""

from __future__ import annotations

from .pending import PendingUpdate, Segments

Piece = tuple[int, bytes, int]


def stage_in_order(update: PendingUpdate, pieces: list[tuple[int, bytes]], cut_end: int, fin: int) -> None:
    """Stage new ``pieces`` (position, bytes; disjoint from the held ones) of the update's sender.

    ``cut_end`` is where the last piece would end if the capture had not cut the packet short, -1 for a whole packet;
    ``fin`` the position of the FIN, -1 while there is none.
    """
    sender = update.sender
    if not pieces and not sender.out_of_order and not sender.missing and max(sender.acked, cut_end) <= sender.next:
        update.fin_arrives = fin == sender.next
        update.next = sender.next + update.fin_arrives
        return
    if len(pieces) == 1 and pieces[0][0] == sender.next and not sender.out_of_order and not sender.missing:
        position = sender.next + len(pieces[0][1])
        if max(sender.acked, cut_end) <= position:  # the next bytes and no others, as nearly always
            update.data = pieces[0][1]
            update.fin_arrives = fin == position
            update.next = position + update.fin_arrives
            update.segments = _segments(update, [(sender.next, update.data, 0)])
            return
    waiting = sorted([*sender.out_of_order, *pieces]) if sender.out_of_order else pieces
    position = sender.next
    gap = sender.missing
    delivered: list[Piece] = []
    for start, data in waiting:
        if start > position:
            if start > sender.acked:
                break
            gap += start - position  # acknowledged: the receiver has bytes that were never seen
        delivered.append((start, data, gap))
        gap = 0
        position = start + len(data)
    out_of_order = waiting[len(delivered) :]
    behind = sender.acked if out_of_order else max(sender.acked, cut_end)
    if behind > position:
        gap += behind - position
        position = behind
    last_gap = max((i for i, piece in enumerate(delivered) if piece[2]), default=-1)
    update.data = b"" if gap else b"".join(data for _, data, _ in delivered[max(last_gap, 0) :])
    update.data_follows = last_gap < 0 and not gap
    update.out_of_order = out_of_order or None
    update.missing = gap
    update.fin_arrives = sender.next <= fin == position and not out_of_order
    update.next = position + update.fin_arrives
    update.segments = _segments(update, delivered)


def _segments(update: PendingUpdate, delivered: list[Piece]) -> Segments:
    """Return the delivered pieces with stream offsets instead of positions, without the urgent byte."""
    removed = update.sender.removed
    if len(delivered) == 1 and update.urgent < 0:
        start, data, gap = delivered[0]
        return ((start - 1 - removed, data, gap),)
    segments = []
    for start, data, gap in delivered:
        urgent = update.urgent - start
        offset = start - 1 - removed
        if 0 <= urgent < len(data):
            update.removed = 1
            removed += 1
            data = data[:urgent] + data[urgent + 1 :]
        segments.append((offset, data, gap))
    return tuple(segments)
