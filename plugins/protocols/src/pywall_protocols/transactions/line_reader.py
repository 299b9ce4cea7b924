"""Reads the lines of one direction, without those of a body.

:source: RFC 5321 sections 2.3.8 (lines end by CRLF) and 4.1.1.4 (a body ends by CRLF, a dot and CRLF)
"""

from __future__ import annotations

from typing import Final, final

from ..parsing.wire import cut
from .saving import Saved

#: Bytes of a line that are kept.
LONGEST_LINE: Final = 4096
_BOTH_ENDS: Final = 3


@final
class LineReader(Saved):
    """Lines of one direction, without those of a body."""

    __slots__ = ("_crlf_before", "_ends", "_is_long", "dotted", "is_cut", "left", "odd_end", "rest")

    def __init__(self) -> None:
        self.rest = b""
        #: bytes that are passed over
        self.left = 0
        #: in a body that a line with a dot ends
        self.dotted = False
        #: the last line was longer than what is kept of a line
        self.is_cut = False
        self._is_long = False
        #: how lines have ended so far, a bit each: by LF alone, by CRLF
        self._ends = 0
        self._crlf_before = True
        #: a body ends here for some servers and not for others, by how its lines end
        self.odd_end = False

    def state_names(self) -> tuple[str, ...]:
        return (
            "rest",
            "left",
            "dotted",
            "is_cut",
            "_is_long",
            "_ends",
            "_crlf_before",
            "odd_end",
        )

    def copy(self) -> LineReader:
        """Return a reader in the same state."""
        other = LineReader()
        other.rest, other.left, other.dotted, other.is_cut = self.rest, self.left, self.dotted, self.is_cut
        other._ends, other._crlf_before, other._is_long = self._ends, self._crlf_before, self._is_long
        other.odd_end = self.odd_end
        return other

    @property
    def mixes_ends(self) -> bool:
        """Whether some lines have ended by LF alone and others by CRLF: servers that want CRLF read them as one."""
        return self._ends == _BOTH_ENDS

    @property
    def begins(self) -> bool:
        """Whether what comes next is the beginning of a line."""
        return not (self.rest or self.left or self.dotted or self._is_long)

    def read(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """Return the next whole line without its end, and the offset behind it; None at the end of ``data``.

        Of a body only its end is a line: ``.``.
        """
        size = len(data)
        while at < size:
            if self.left:
                passed = min(self.left, size - at)
                self.left -= passed
                at += passed
                continue
            end = data.find(b"\n", at)
            if end < 0:
                room = LONGEST_LINE - len(self.rest)
                self._is_long = self._is_long or size - at > room
                self.rest += cut(data, at, at + room)
                return None, size
            self.is_cut, self._is_long = self._is_long or end - at > LONGEST_LINE, False
            line = self.rest + cut(data, at, min(end, at + LONGEST_LINE))
            self.rest = b""
            at = end + 1
            by_crlf = self.is_cut or line.endswith(b"\r")
            crlf_before, self._crlf_before = self._crlf_before, by_crlf
            line = line.removesuffix(b"\r")
            if not self.dotted:
                self._ends |= 2 if by_crlf else 1
                return line, at
            if line == b".":
                self.dotted = False
                self.odd_end = not (by_crlf and crlf_before)
                return line, at
            if line.find(b"\r.\r") >= 0:
                self.odd_end = True
        return None, size
