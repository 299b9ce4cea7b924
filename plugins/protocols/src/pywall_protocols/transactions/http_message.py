"""Reads HTTP/1 messages of one direction: start lines, wanted fields, and where bodies end.

:source: RFC 9112 sections 2.2 (lines), 5 (fields), 6 and 7 (bodies)
"""

from __future__ import annotations

import re
from typing import Any, Final, final

from ..parsing.wire import CR, cut
from .http_fields import Fields, codings, plain_head
from .saving import Saved

#: Bytes of a line that are kept; what a longer one has behind them is not read.
LONGEST_LINE: Final = 16384
#: Wanted fields that are kept of one head.
_MOST_FIELDS: Final = 48
#: Bytes of a head that is read in one step at most: no line of it is long.
_LONGEST_PLAIN: Final = 8192

START: Final = 0
HEADERS: Final = 1
BODY: Final = 2
CHUNK_SIZE: Final = 3
CHUNK: Final = 4
CHUNK_END: Final = 5
TRAILERS: Final = 6
TO_THE_END: Final = 7
#: Why :meth:`MessageReader.read` has stopped.
WANTS_MORE: Final = 0
START_LINE: Final = 1
HEAD: Final = 2
END: Final = 3

#: what no value has in it, or servers differ about: a CR for itself, NUL, other blanks than a space and a tab
_odd_bytes = re.compile(rb"[\0\r\x0b\x0c]").search
#: blanks and bytes that some servers take for blanks
_BLANKS: Final = b" \t\0\r\x0b\x0c"
_BY_LF: Final = 1
_BY_CRLF: Final = 2
_BY_BOTH: Final = 3

_chunk_size = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;|\Z)").match


@final
class MessageReader(Saved):
    """One direction. ``start`` and ``fields`` are those of the head that :meth:`read` has completed.

    ``ambiguity`` is why servers read what was read differently, "" where none does: they take a line that is folded or
    ended by LF alone, a name with blanks behind it, or a CR in the middle for one thing or for another.

    Its state is made of values that never change, so that :meth:`copy` is cheap.
    """

    __slots__ = (
        "_body",
        "_body_offset",
        "_ends",
        "_field",
        "_has_fields",
        "_is_long",
        "_wanted",
        "ambiguity",
        "broken",
        "codings",
        "fields",
        "keep_body",
        "left",
        "rest",
        "start",
        "state",
    )  # fmt: skip

    def __init__(self, wanted: frozenset[bytes]) -> None:
        self._wanted = wanted
        self.state = START
        self.start = b""
        self.fields: Fields = ()
        #: bytes of a line whose end has not come
        self.rest = b""
        #: bytes of the body or chunk that have not come
        self.left = 0
        #: a chunk's size is none: where the message ends is not known
        self.broken = False
        self._field = b""
        #: lines of the head have come behind its first
        self._has_fields = False
        self.ambiguity = ""
        #: how lines of the head have ended, a bit each
        self._ends = 0
        self._is_long = False
        #: bodies are wanted: what :meth:`read` passes over of one is kept for :meth:`take_body`
        self.keep_body = False
        self._body: list[bytes] = []
        self._body_offset = 0
        #: content codings of the body (RFC 9110 section 8.4.1), in the order in which they were applied
        self.codings = ""

    def state_names(self) -> tuple[str, ...]:
        return (
            "state",
            "start",
            "fields",
            "rest",
            "left",
            "broken",
            "_field",
            "_has_fields",
            "ambiguity",
            "_ends",
            "_is_long",
            "codings",
            "_body_offset",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {"fields": [(bytes, bytes)]}

    def copy(self) -> MessageReader:
        """Return a reader in the same state."""
        other = MessageReader(self._wanted)
        other.state, other.start, other.fields = self.state, self.start, self.fields
        other.rest, other.left, other.broken = self.rest, self.left, self.broken
        other._field, other._has_fields, other.ambiguity = self._field, self._has_fields, self.ambiguity
        other._ends, other._is_long = self._ends, self._is_long
        other.keep_body, other.codings, other._body_offset = self.keep_body, self.codings, self._body_offset
        return other

    def read(self, data: bytes, at: int) -> tuple[int, int]:
        """Read on from ``data[at]``. Returns where reading has stopped, and why.

        :data:`WANTS_MORE`, or :data:`START_LINE` (look at :attr:`start`), or :data:`HEAD` (the caller says by
        :meth:`begin_body` what follows), or :data:`END` of the message. Stops early where :attr:`broken`.
        """
        size = len(data)
        while at < size and not self.broken:
            state = self.state
            if state == TO_THE_END:
                if self.keep_body:
                    self._body.append(data[at:])
                return size, WANTS_MORE
            if state in (BODY, CHUNK):
                taken = min(self.left, size - at)
                self.left -= taken
                if self.keep_body:
                    self._body.append(cut(data, at, at + taken))
                at += taken
                if self.left:
                    continue
                if state == BODY:
                    self.state = START
                    return at, END
                self.state = CHUNK_END
                continue
            end = data.find(b"\n", at)
            if end < 0:
                room = LONGEST_LINE - len(self.rest)
                self._is_long = self._is_long or size - at > room
                self.rest += cut(data, at, at + room)
                return size, WANTS_MORE
            line = cut(data, at, end) if not self.rest else self.rest + cut(data, at, min(end, at + LONGEST_LINE))
            self.rest = b""
            is_long, self._is_long = self._is_long or len(line) > LONGEST_LINE, False
            at = end + 1
            by_crlf = is_long or line.endswith(b"\r")
            line = line.removesuffix(b"\r")
            if state <= HEADERS:
                self._ends |= _BY_CRLF if by_crlf else _BY_LF
                if is_long and (state == START or self._is_wanted(line)):
                    self.ambiguity = "long_line"
            elif not by_crlf:
                self.ambiguity = "line_ends"
            event = self._line(line)
            if event:
                return at, event
        return at, WANTS_MORE

    def plain_head(self, data: bytes, at: int) -> tuple[bytes, Fields, int] | None:
        """Return the head at ``data[at]`` as :func:`.http_fields.plain_head` does, for :meth:`take_plain` if its first
        line is plain as well. None: it has to be read line by line.
        """
        if self.state != START or self.rest or self.broken:
            return None
        found = plain_head(data, at, at + _LONGEST_PLAIN, self._wanted)
        return None if found is None or len(found[1]) > _MOST_FIELDS else found

    def take_plain(self, start: bytes, fields: Fields) -> None:
        """Take a whole head: all is as if :meth:`read` had returned :data:`HEAD`."""
        self.start = start
        self.fields = fields
        self._field = b""
        self._has_fields = True
        self._ends |= _BY_CRLF
        self.state = HEADERS

    def skip(self, size: int) -> bool:
        """``size`` bytes are missing. Returns whether they all lie in a body."""
        if self.state == TO_THE_END:
            return True
        if self.state not in (BODY, CHUNK) or size > self.left:
            return False
        self.left -= size
        if not self.left:
            self.state = START if self.state == BODY else CHUNK_END
        return True

    def take_body(self) -> tuple[int, bytes]:
        """Return what was read of the present body since the last call, and how many of its bytes came before."""
        offset, data = self._body_offset, b"".join(self._body)
        self._body.clear()
        self._body_offset += len(data)
        return offset, data

    def begin_body(self, length: int) -> None:
        """The head is followed by ``length`` bytes; -1: by chunks; -2: by all until the connection ends."""
        if self.keep_body:
            self.codings = codings(self.fields)
            self._body_offset = 0
        if self._ends == _BY_BOTH and length:
            self.ambiguity = "line_ends"
        self._ends = 0
        self.start, self.fields = b"", ()
        self.left = max(length, 0)
        self.state = START if not length else BODY if length > 0 else CHUNK_SIZE if length == -1 else TO_THE_END

    def _line(self, line: bytes) -> int:
        """Take one whole line; what it completes, as :meth:`read` returns it."""
        state = self.state
        if state == HEADERS:
            if line[:1] in (b" ", b"\t"):  # RFC 9112 section 5.2: a folded line belongs to the one before
                if self._field or not self._has_fields or self._is_wanted(line.strip()):  # the first one: section 2.2
                    self.ambiguity = "folded"
                if self._field and len(self._field) < LONGEST_LINE:
                    self._field += b" " + line.strip()
                return WANTS_MORE
            if self._field:
                self._keep(self._field)
            self._has_fields = True
            self._field = line if self._is_wanted(line) else b""
            return WANTS_MORE if line else HEAD
        if state == START:
            if line.strip():  # RFC 9112 section 2.2: empty lines before a message are ignored
                self.start = line
                self.state = HEADERS
                self._has_fields = False
                if _odd_bytes(line):
                    self.ambiguity = "odd_byte"
                return START_LINE
        elif state == CHUNK_SIZE:
            size = _chunk_size(line)
            if size is None:
                self.broken = True
            else:
                if CR in line:
                    self.ambiguity = "line_ends"
                self.left = int(size[1], 16)
                self.state = CHUNK if self.left else TRAILERS
        elif state == CHUNK_END:
            self.state = CHUNK_SIZE
            self.broken = bool(line)
        elif not line:  # the end of the trailers
            self.state = START
            return END
        return WANTS_MORE

    def _is_wanted(self, line: bytes) -> bool:
        colon = line.find(b":", 0, 32)
        if colon <= 0:
            return False
        name = line[:colon]
        if name.strip(_BLANKS).lower() not in self._wanted:
            if CR in line:
                self.ambiguity = "odd_byte"
            return False
        if len(self.fields) >= _MOST_FIELDS or name.strip(_BLANKS) != name or _odd_bytes(line):
            self.ambiguity = "odd_byte"
        return len(self.fields) < _MOST_FIELDS

    def _keep(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        self.fields = (*self.fields, (name.strip(_BLANKS).lower(), value.strip()))
