"""Follow a known structure through the payloads of one direction, as long as what comes fits it.

The structure may begin behind lines of text or a header of its own, and each message may have that header again (a
file in chunks): then the chunks are followed as one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .framing import cut, join_segments
from .heads import examine, hidden, introduced, lines_in_front, within
from .rtp_video import RTP, video_in_rtp

KEPT: Final = 65536
"""Bytes of a structure within which it is checked."""
FIRST_LOOK: Final = 48
LAST_CHANCE: Final = 2048
"""Bytes from which a head is looked at, and after which one without a structure is given up."""
TRAILERS: Final = (0, 4, 2, 1, 8)
"""Bytes behind each chunk of a file: none, a sum, a line's end, a mark."""
NONE: Final = -1
"""Size of the header of a first message before whose end no file begins: more messages change nothing."""
UNKNOWN_STEP: Final = 2.0
KNOWN_STEP: Final = 1.5
"""How much more there must be before the next look, without a structure and within one."""


class Follower:
    """The payloads from one on, and the structure that they are. `name` is None while there is none; `ended`: nothing
    more is to be learnt."""

    __slots__ = ("_data", "_header", "_looked_at", "_sizes", "ended", "hidden", "name")

    def __init__(self) -> None:
        self._data = bytearray()
        self._sizes: list[int] = []
        self._looked_at = 0
        self._header = 0
        self.name: str | None = None
        self.hidden = b""
        """What a decoder found that looks random: ciphertext in a structure that compresses nothing."""
        self.ended = False

    def add(self, payload: bytes) -> None:
        """Add the next payload; bytes beyond KEPT are not looked at."""
        kept = payload[: KEPT - len(self._data)]
        self._data += kept
        self._sizes.append(len(kept))

    @property
    def due(self) -> bool:
        """There is enough more to look again."""
        size = len(self._data)
        step = UNKNOWN_STEP if self.name is None else KNOWN_STEP
        return size >= FIRST_LOOK and (size >= step * self._looked_at or size == KEPT)

    def look(self) -> list[bytes]:
        """Look at the bytes again. Returns the payloads since the last look when a structure has broken off, else
        nothing."""
        before, known = self.name, self._looked_at
        size = self._looked_at = len(self._data)
        data = bytes(self._data)
        self.name = introduced(data)
        self.hidden = hidden() if self.name is None else b""
        if self.name is None and not self.hidden:
            self.name = "rtp" if self._is_video(data) else self._in_chunks(data)
        given_up = self.name is None and not self.hidden and (before is not None or size >= LAST_CHANCE)
        self.ended = size == KEPT or given_up
        if before is None or self.name is not None:
            return []
        out, place = [], 0
        for length in self._sizes:
            end = place + length
            if end > known:
                out.append(data[:end][max(place, known) :])
            place = end
        return out

    def _is_video(self, data: bytes) -> bool:
        return data[0] == RTP and video_in_rtp(cut(data, self._sizes), cut=len(data) == KEPT)

    def _in_chunks(self, data: bytes) -> str | None:
        """Return the structure of a file in messages that begin with a header of one size."""
        if len(self._sizes) < 2:
            return None
        if not self._header:
            place = within(data[: self._sizes[0]]) or lines_in_front(data[: self._sizes[0]])
            self._header = place or NONE
        if self._header == NONE:
            return None
        for sizes in (join_segments(self._sizes), self._sizes):
            messages = cut(data, sizes)
            for header, trailers in _headers(messages, self._header):
                bodies = [messages[0][self._header :], *(message[header:] for message in messages[1:])]
                for trailer in trailers:
                    name = examine(b"".join(body[: len(body) - trailer] for body in bodies))
                    if name is not None:
                        return name
        return None


def _headers(messages: list[bytes], first: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the size that the header of all messages but the first may have, and what to try at their ends: that of
    the first, in which the file may have a header of its own; then what ends with a byte or some behind the last one
    that the first ones have in common.
    """
    yield first, TRAILERS
    if len(messages) > 1:
        alike = [
            at
            for at, column in enumerate(zip(*(message[:first] for message in messages[:4]), strict=False))
            if len({*column}) == 1
        ]
        shared = alike[-1] + 1 if alike else 0
        for size in (shared, shared + 1, shared + 2, shared + 4):
            if 0 < size < first:
                yield size, TRAILERS[:2]
