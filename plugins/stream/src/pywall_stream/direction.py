"""One direction of a connection: its sequence space, and the bytes that its receiver may still accept.

Positions are unwrapped sequence numbers relative to the initial one: the SYN is at 0, the first byte at 1. They
grow beyond 2**32, so a stream may be longer than the sequence space.
"""

from __future__ import annotations

from typing import Final

_MODULUS: Final = 1 << 32
MASK: Final = _MODULUS - 1
HALF_SPACE: Final = 1 << 31
#: Room of a receiver whose window is not known, in bytes: the largest that RFC 7323 can express.
UNKNOWN_WINDOW: Final = 1 << 30
#: The largest number of the window field.
LARGEST_WINDOW: Final = 0xFFFF
_MAX_BAD_CHECKSUM_SEGMENTS: Final = 32


class StreamDirection:
    """What one end has sent, according to the accepted packets.

    ``next``: position up to which all bytes were delivered. ``top``: highest position that was sent. ``acked``: highest
    position that the receiver acknowledged. ``window_end``: where the receiver's window ends. ``unacked_data``: the
    bytes just before ``next`` that were not acknowledged. ``out_of_order``: pieces behind a hole, ordered and disjoint.
    """

    __slots__ = (
        "acked",
        "bad_checksum_segments",
        "fast_path_ok",
        "fin",
        "inspected",
        "isn",
        "lags",
        "missing",
        "next",
        "out_of_order",
        "removed",
        "reset",
        "resumed",
        "resyn",
        "seen",
        "shift",
        "signature",
        "top",
        "tsval",
        "unacked_data",
        "urgent",
        "window",
        "window_end",
    )

    isn: int
    next: int
    top: int
    acked: int
    window_end: int
    #: position of the FIN, -1 while none was sent
    fin: int
    #: position up to which detectors were given the bytes
    inspected: int
    unacked_data: bytearray | None
    out_of_order: list[tuple[int, bytes]] | None
    #: in a capture: pieces with a wrong checksum; they count when the receiver acknowledges them without another copy
    bad_checksum_segments: list[tuple[int, bytes]] | None
    #: number of bytes lost before the next ones that are delivered
    missing: int
    #: bytes before ``next`` that are not part of the stream that the application reads (urgent data)
    removed: int
    #: position of the urgent byte, -1 while there was none
    urgent: int
    #: the sender ended the connection by an exact RST
    reset: bool
    #: it goes on from where another process was
    resumed: bool
    #: bytes may have passed between its description and this process: its first segment says whether they did
    lags: bool
    #: acknowledgement number that would answer a SYN sent inside the connection; -1: there was none
    resyn: int
    #: a packet of this sender was accepted
    seen: bool
    #: the sender's own window scale, and the largest window that it has offered, in bytes
    shift: int
    window: int
    #: its segments carry an MD5 or TCP-AO option
    signature: bool
    #: the last timestamp that its receiver remembers (TS.Recent), -1 without timestamps
    tsval: int
    #: established, and nothing is out of order, urgent, signed or closing: the fast path may handle its segments
    fast_path_ok: bool

    def __init__(self, isn: int) -> None:
        self.isn = isn
        self.next = self.top = self.acked = 1
        self.window_end = 1
        self.fin = self.urgent = self.resyn = self.tsval = -1
        self.inspected = self.missing = self.removed = self.window = self.shift = 0
        self.unacked_data = None
        self.out_of_order = self.bad_checksum_segments = None
        self.reset = self.seen = self.signature = self.fast_path_ok = self.resumed = self.lags = False

    def position(self, seq: int) -> int:
        """Return the position of a 32-bit sequence number: the one nearest to ``next``."""
        ahead = (seq - self.isn - self.next) & MASK
        return self.next + (ahead if ahead < HALF_SPACE else ahead - _MODULUS)

    def position_of_ack(self, ack: int) -> int:
        """Return the position of an acknowledgement number (32 bits) of the receiver: the one nearest to ``acked``."""
        ahead = (ack - self.isn - self.acked) & MASK
        return self.acked + (ahead if ahead < HALF_SPACE else ahead - _MODULUS)

    def _last(self) -> int:
        """Return the position behind the last byte that was delivered (``next`` may be behind a FIN)."""
        return self.next - self.is_closed()

    def is_closed(self) -> bool:
        """Return True if its FIN, and all before it, went by."""
        return 0 <= self.fin < self.next

    def is_in_order(self) -> bool:
        """Return True if nothing is out of order, urgent, signed or missing."""
        unusual = self.signature or self.missing or self.lags
        return self.out_of_order is None and self.urgent < 0 and not unusual

    def buffered(self) -> int:
        """Return the number of bytes held in memory."""
        size = len(self.unacked_data) if self.unacked_data is not None else 0
        return size + sum(len(data) for _, data in self.out_of_order) if self.out_of_order is not None else size

    def matches_sent(self, at: int, data: bytes) -> bool:
        """Return False if ``data`` at position ``at`` differs from held bytes that were sent before."""
        end = at + len(data)
        if self.unacked_data is not None:
            last = self._last()
            first = last - len(self.unacked_data)
            low, high = max(at, first), min(end, last)
            if low < high and self.unacked_data[low - first : high - first] != data[low - at : high - at]:
                return False
        for position, piece in self.out_of_order or ():
            low, high = max(at, position), min(end, position + len(piece))
            if low < high and piece[low - position : high - position] != data[low - at : high - at]:
                return False
        return True

    def new_pieces(self, at: int, data: bytes) -> list[tuple[int, bytes]]:
        """Return the pieces of ``data`` that were not sent before, ordered."""
        pieces = []
        start = max(at, self.next)
        end = at + len(data)
        for position, piece in self.out_of_order or ():
            if start < position and start < end:
                pieces.append((start, data[start - at : min(position, end) - at]))
            start = max(start, position + len(piece))
        if start < end:
            pieces.append((start, data[start - at :]))
        return pieces

    def was_sent(self, position: int) -> bool:
        """Return True if the byte at ``position`` was sent before."""
        if position < self.next:
            return True
        return any(start <= position < start + len(piece) for start, piece in self.out_of_order or ())

    def acknowledge(self, position: int) -> int:
        """Free the bytes before ``position``: the receiver has them. Return how many were freed."""
        self.acked = position
        unacked_data = self.unacked_data
        if unacked_data is None:
            return 0
        freed = len(unacked_data) - self._last() + position
        if freed <= 0:
            return 0
        if freed >= len(unacked_data):
            freed = len(unacked_data)
            self.unacked_data = None
        else:
            del unacked_data[:freed]
        return freed

    def drop_unacked(self) -> int:
        """Free the held bytes although they were not acknowledged. Return how many were freed."""
        released = len(self.unacked_data) if self.unacked_data is not None else 0
        self.unacked_data = None
        return released

    def skip(self, position: int) -> None:
        """Continue at ``position``: the receiver acknowledged bytes that were never seen.

        Out-of-order pieces behind the hole stay until the sender's next packet delivers them.
        """
        if self.bad_checksum_segments is not None:
            self._accept_acknowledged(position)
        self.unacked_data = None
        first_waiting = self.out_of_order[0][0] if self.out_of_order else position
        target = max(self.next, min(position, first_waiting))
        self.missing += target - self.next
        self.next = target
        self.top = max(self.top, position)
        self.acked = position

    def reopen_hole(self, at: int) -> None:
        """Go back to the beginning of the bytes that were skipped last, if ``at`` is among them: they come after all.

        Nothing behind them was delivered yet.
        """
        begin = self.next - self.missing
        if begin <= at < self.next and not self.is_closed():
            self.next = begin
            self.acked = min(self.acked, begin)
            self.missing = 0

    def catch_up(self, position: int) -> None:
        """Go on at ``position``, where the first content after a hand-over begins: what is before it passed unseen.

        An empty segment does not say so: what its sender has sent may have been refused, and comes again.
        """
        if position > max(self.next, self.acked) and self.out_of_order is None:
            self.unacked_data = None
            self.missing += position - self.next
            self.next = position
            self.top = max(self.top, position)
        if position >= self.next:
            self.lags = False

    def keep_bad_checksum(self, at: int, data: bytes) -> None:
        """Keep a piece whose checksum is wrong: in a capture its receiver may still acknowledge it."""
        if self.bad_checksum_segments is None:
            self.bad_checksum_segments = []
        if len(self.bad_checksum_segments) < _MAX_BAD_CHECKSUM_SEGMENTS:
            self.bad_checksum_segments.append((at, data))

    def _accept_acknowledged(self, position: int) -> None:
        """Use the kept pieces before ``position``: the receiver acknowledged them, and no other copy was seen."""
        for at, data in self.bad_checksum_segments or ():
            if at + len(data) <= position:
                self.out_of_order = sorted([*(self.out_of_order or ()), *self.new_pieces(at, data)])
        self.bad_checksum_segments = None
