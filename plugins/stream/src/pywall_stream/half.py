"""One direction of a connection: its sequence space, and the octets that its receiver may still take from it.

Positions are unwrapped sequence numbers relative to the initial one: the SYN stands at 0, the first octet at 1. They
grow beyond 2**32, so a stream may be longer than the sequence space.
"""

from __future__ import annotations

from typing import Final

_MODULUS: Final = 1 << 32
MASK: Final = _MODULUS - 1
HALF_SPACE: Final = 1 << 31
#: Room of a receiver whose window is not known, in octets: the largest that RFC 7323 can express.
UNKNOWN_WINDOW: Final = 1 << 30
_MAX_DOUBTED: Final = 32


class Half:
    """What one end sends, as far as packets that were let through show.

    ``next`` is the position up to which everything was handed on, ``top`` the highest that was sent, ``acked`` the
    highest that the receiver acknowledged, ``edge`` where the receiver's window ends. ``kept`` holds the octets just
    before ``next`` that were not acknowledged; ``late`` the pieces behind a hole, ordered and disjoint.
    """

    __slots__ = (
        "acked",
        "doubted",
        "edge",
        "fin",
        "isn",
        "judged",
        "kept",
        "late",
        "missing",
        "next",
        "plain",
        "removed",
        "reset",
        "resyn",
        "seen",
        "shift",
        "signature",
        "top",
        "tsval",
        "urgent",
        "window",
    )

    isn: int
    next: int
    top: int
    acked: int
    edge: int
    #: position of the FIN, -1 while none was sent
    fin: int
    #: up to here octets were handed to detectors while they were still looking
    judged: int
    kept: bytearray | None
    late: list[tuple[int, bytes]] | None
    #: in a capture: pieces whose checksum was wrong, which count once acknowledged if no better copy came
    doubted: list[tuple[int, bytes]] | None
    #: octets lost before the next ones that are handed on
    missing: int
    #: octets before ``next`` that are not part of the stream that the application reads (urgent data)
    removed: int
    #: position of the urgent octet, -1 while there was none
    urgent: int
    #: the sender ended the connection by an exact RST
    reset: bool
    #: acknowledgement number that would answer a SYN sent inside the connection; -1: there was none
    resyn: int
    #: a packet of this sender was let through
    seen: bool
    #: the sender's own window scale, and the largest window that it has offered, in octets
    shift: int
    window: int
    #: its segments carry an MD5 or TCP-AO option
    signature: bool
    #: the last timestamp that its receiver remembers (TS.Recent), -1 without timestamps
    tsval: int
    #: established, and nothing late, urgent, signed or closing: the fast path may take its segments
    plain: bool

    def __init__(self, isn: int) -> None:
        self.isn = isn
        self.next = self.top = self.acked = 1
        self.edge = 1
        self.fin = self.urgent = self.resyn = self.tsval = -1
        self.judged = self.missing = self.removed = self.window = self.shift = 0
        self.kept = None
        self.late = self.doubted = None
        self.reset = self.seen = self.signature = self.plain = False

    def position(self, seq: int) -> int:
        """The position of a 32-bit sequence number: the one nearest to ``next``."""
        ahead = (seq - self.isn - self.next) & MASK
        return self.next + (ahead if ahead < HALF_SPACE else ahead - _MODULUS)

    def position_of_ack(self, ack: int) -> int:
        """The position of a 32-bit acknowledgement number of the receiver: the one nearest to ``acked``."""
        ahead = (ack - self.isn - self.acked) & MASK
        return self.acked + (ahead if ahead < HALF_SPACE else ahead - _MODULUS)

    def _last(self) -> int:
        """The position behind the last octet that was handed on (``next`` may stand behind a FIN)."""
        return self.next - (0 <= self.fin < self.next)

    def is_plain(self) -> bool:
        """Nothing about it is late, urgent, signed or missing."""
        return self.late is None and self.urgent < 0 and not self.signature and not self.missing

    def buffered(self) -> int:
        """Octets held."""
        held = len(self.kept) if self.kept is not None else 0
        return held + sum(len(data) for _, data in self.late) if self.late is not None else held

    def agrees(self, at: int, data: bytes) -> bool:
        """Where octets at ``at`` were sent before and are still held, ``data`` repeats them exactly."""
        end = at + len(data)
        if self.kept is not None:
            last = self._last()
            first = last - len(self.kept)
            low, high = max(at, first), min(end, last)
            if low < high and self.kept[low - first : high - first] != data[low - at : high - at]:
                return False
        for position, piece in self.late or ():
            low, high = max(at, position), min(end, position + len(piece))
            if low < high and piece[low - position : high - position] != data[low - at : high - at]:
                return False
        return True

    def unsent(self, at: int, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces of ``data`` that were not sent before, ordered."""
        pieces = []
        start = max(at, self.next)
        end = at + len(data)
        for position, piece in self.late or ():
            if start < position and start < end:
                pieces.append((start, data[start - at : min(position, end) - at]))
            start = max(start, position + len(piece))
        if start < end:
            pieces.append((start, data[start - at :]))
        return pieces

    def covered(self, position: int) -> bool:
        """The octet at ``position`` was sent and is held, or may be."""
        if position < self.next:
            return True
        return any(start <= position < start + len(piece) for start, piece in self.late or ())

    def acknowledge(self, position: int) -> int:
        """The receiver has everything before ``position``: let go of it. Returns the number of octets let go."""
        self.acked = position
        kept = self.kept
        if kept is None:
            return 0
        surplus = len(kept) - self._last() + position
        if surplus <= 0:
            return 0
        if surplus >= len(kept):
            surplus = len(kept)
            self.kept = None
        else:
            del kept[:surplus]
        return surplus

    def forget(self) -> int:
        """Let go of what is kept although it was not acknowledged. Returns the number of octets let go."""
        let_go = len(self.kept) if self.kept is not None else 0
        self.kept = None
        return let_go

    def skip(self, position: int) -> None:
        """The receiver acknowledged octets that never came by: go on behind them.

        Late pieces behind the hole stay until the sender's next packet hands them on.
        """
        if self.doubted is not None:
            self._believe(position)
        self.kept = None
        first_late = self.late[0][0] if self.late else position
        target = max(self.next, min(position, first_late))
        self.missing += target - self.next
        self.next = target
        self.top = max(self.top, position)
        self.acked = position

    def doubt(self, at: int, data: bytes) -> None:
        """Remember a piece that its receiver would refuse, and may yet acknowledge: checksums in captures can lie."""
        if self.doubted is None:
            self.doubted = []
        if len(self.doubted) < _MAX_DOUBTED:
            self.doubted.append((at, data))

    def _believe(self, position: int) -> None:
        """What was doubted lies before ``position``, which the receiver acknowledged, and no other copy was seen."""
        for at, data in self.doubted or ():
            if at + len(data) <= position:
                self.late = sorted([*(self.late or ()), *self.unsent(at, data)])
        self.doubted = None
