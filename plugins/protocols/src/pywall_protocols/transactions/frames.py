"""Messages that say their length at their beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from ..parsing.wire import cut
from .saving import Saved

#: Bytes of a message that are read: what identifies it is at its beginning.
READ: Final = 4096
#: Bytes of a beginning without a length that are waited for.
_LONGEST_HEAD: Final = 16

#: Called with bytes from a message's beginning on: its size in bytes, 0 while that is not known, -1: it is none.
Measure = Callable[[bytes], int]
#: Called with a message's first byte: how many bytes of it are read.
Limit = Callable[[int], int]


@final
class FrameReader(Saved):
    """One direction. ``broken``: what is in ``rest`` is no message. ``is_cut``: the last message was longer than what
    is read of it.
    """

    __slots__ = ("_limit", "_measure", "_skip", "broken", "is_cut", "rest")

    def __init__(self, measure: Measure, limit: Limit | None = None) -> None:
        self._measure = measure
        self._limit = limit
        self._skip = 0
        self.is_cut = False
        self.rest = b""
        self.broken = False

    def state_names(self) -> tuple[str, ...]:
        return (
            "_skip",
            "rest",
            "broken",
            "is_cut",
        )

    def copy(self) -> FrameReader:
        """Return a reader in the same state."""
        other = FrameReader(self._measure, self._limit)
        other._skip, other.rest, other.broken, other.is_cut = self._skip, self.rest, self.broken, self.is_cut
        return other

    def read(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """Return the next message, as far as it is read, and the offset behind it; None at the end of data."""
        while at < len(data) and not self.broken:
            if self._skip:
                passed = min(self._skip, len(data) - at)
                self._skip -= passed
                at += passed
                continue
            before = len(self.rest)
            size = self._measure(self.rest + data[at : at + _LONGEST_HEAD])
            if size < 0 or (not size and before + len(data) - at >= _LONGEST_HEAD):
                self.rest += data[at:]
                self.broken = True
                return None, len(data)
            limit = READ if self._limit is None else self._limit(self.rest[0] if before else data[at])
            wanted = min(size, limit) - before if size else len(data) - at
            self.rest += cut(data, at, at + wanted)
            at = min(len(data), at + wanted)
            if not size or len(self.rest) < min(size, limit):
                continue
            message, self.rest = self.rest, b""
            self._skip = size - len(message)
            self.is_cut = self._skip > 0
            return message, at
        return None, at

    def skip(self, size: int) -> bool:
        """``size`` bytes are missing. Return whether they all lie in what is passed over."""
        if size > self._skip:
            return False
        self._skip -= size
        return True
