"""Redis commands: what a client asks for, each a transaction.

:source: Redis serialization protocol specification; ``sdssplitargs`` of Redis for inline commands
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, Transaction

from ..parsing.wire import CR, NUL, text
from .line_reader import LineReader
from .pairs import Found, Step
from .saving import Saved

#: Arguments of a Redis command that are kept, the command among them.
_MOST_ARGUMENTS: Final = 64
_LONGEST_ARGUMENT: Final = 1024
#: one word of an inline command, as Redis reads it: a quote may begin within it, and ends it
_word = re.compile(rb'\s*([^\s"\']*)(?:"((?:[^"\\]|\\.)*)"|\'((?:\\\'|[^\'])*)\')?(?=\s|\Z)', re.DOTALL).match
_escape = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CONTROLS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_array = re.compile(rb"\*(-?\d{1,9})\Z").match
_bulk = re.compile(rb"\$(-?\d{1,10})\Z").match


@final
class RedisTransactions(Saved):
    """Each command with its first arguments, as it was sent; replies are not read.

    Redis takes the two bytes behind an argument for its end, whatever they are, and other servers do not: what is
    not written as the specification has it is ambiguous.
    """

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._lines = LineReader()
        self._number = 0
        #: arguments of the command that still come, those that came, and bytes of the present one that still come
        self._missing = 0
        self._arguments: tuple[bytes, ...] = ()
        self._left = -1
        self._argument = b""
        #: bytes of the end behind an argument that still come
        self._ends = 0

    def state_names(self) -> tuple[str, ...]:
        return (
            "_lines",
            "_number",
            "_missing",
            "_arguments",
            "_left",
            "_argument",
            "_ends",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {"_arguments": [bytes]}

    def copy(self) -> RedisTransactions:
        """Return a parser in the same state."""
        other = RedisTransactions()
        other._lines, other._number, other._missing = self._lines.copy(), self._number, self._missing
        other._arguments, other._left, other._argument = self._arguments, self._left, self._argument
        other._ends = self._ends
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read the next bytes of the client."""
        found: Found = []
        at = 0
        while to_server and at < len(data):
            if self._left >= 0:
                part = data[at : at + self._left]
                self._argument += part[: _LONGEST_ARGUMENT - len(self._argument)]
                self._left -= len(part)
                at += len(part)
                if not self._left:
                    self._ends = 2
                    self._end_argument(found)
                continue
            if self._ends:
                if data[at : at + 1] != (b"\r" if self._ends == 2 else b"\n"):
                    found.append(Ambiguous("argument_end"))
                self._ends -= 1
                at += 1
                continue
            line, at = self._lines.read(data, at)
            if self._lines.is_cut:
                found.append(Ambiguous("long_line"))
            if line:
                self._line(line, found)
            elif line is None and 0 <= self._lines.rest.find(b"\r") < len(self._lines.rest) - 1:  # Redis ends lines so
                found.append(Ambiguous("line"))
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Replies are not read."""
        return not to_server

    def finish(self) -> Sequence[Transaction]:
        """Return nothing: a command is complete when it is found."""
        return ()

    def _line(self, line: bytes, found: Found) -> None:
        if self._missing:
            bulk = _bulk(line)
            self._left = max(0, int(bulk[1])) if bulk is not None else -1
            if bulk is None:
                self._missing = 0
                found.append(Ambiguous("length"))
            elif not self._left:
                self._ends = 2
                self._end_argument(found)
            return
        array = _array(line)
        if array is not None:
            self._missing, self._arguments = max(0, int(array[1])), ()
        else:
            if line[:1] in (b"*", b"$") or CR in line or NUL in line:
                found.append(Ambiguous("line"))
            self._give(words(line), found)

    def _end_argument(self, found: Found) -> None:
        if len(self._arguments) < _MOST_ARGUMENTS:
            self._arguments = (*self._arguments, self._argument)
        elif len(self._arguments) == _MOST_ARGUMENTS and self._missing == 1:
            found.append(Ambiguous("arguments", ("arguments",)))
        self._argument, self._left = b"", -1
        self._missing -= 1
        if not self._missing:
            self._give(self._arguments, found)

    def _give(self, fields: tuple[bytes, ...], found: Found) -> None:
        if not fields:
            return
        facts: dict[str, Any] = {"command": text(fields[0].upper())}
        if len(fields) > 1 and facts["command"] not in ("AUTH", "HELLO"):
            facts["arguments"] = [text(word) for word in fields[1:]]
        found.append(Transaction(self._number, facts, True))
        self._number += 1


def words(line: bytes) -> tuple[bytes, ...]:
    """Return the words of an inline command; those before what Redis refuses, where quotes are not closed."""
    found: list[bytes] = []
    at, size = 0, len(line.rstrip())
    while at < size and len(found) < _MOST_ARGUMENTS and (word := _word(line, at)) is not None:
        at = word.end()
        quoted = b""
        if word[2] is not None:
            quoted = _escape.sub(_unescape, word[2])
        elif word[3] is not None:
            quoted = word[3].replace(b"\\'", b"'")
        found.append(word[1] + quoted)
    return tuple(found)


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 16),))
    return _CONTROLS.get(found[2], found[2])
