"""What line protocols share: commands and replies in order, bodies between them, and where STARTTLS hands over.

Replies answer commands in their order, behind the server's greeting; a reply that only STARTTLS has is taken for it
wherever it is, so that an unasked reply before it does no harm. The client's bytes behind STARTTLS (and behind a
command that asks for a body) are read as commands until the server has said what they are.

Longer than 300 lines: commands, replies and what may come between them are one state.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import MORE, YES, Ambiguous, Flow, HandOver, Transaction

from ..parsing.wire import cut
from .hello_watch import begins_hello
from .line_reader import LineReader
from .pairs import Found, Step
from .saving import Saved

_MOST_PENDING: Final = 1024
_MOST_HELD: Final = 65536
#: the first byte of a record of TLS that has a hello
_TLS_RECORD: Final = 0x16

#: What a command may lead to: nothing, TLS, a body of the client behind a go-ahead, a body of the server, and what is
#: answered at the beginning and at the end of a body.
PLAIN, TLS, BODY, LISTING, GREETING, BODY_END = range(6)

#: Kind, the word by which it was detected (a tag, a verb) and the number of its transaction.
Command = tuple[int, bytes, int]
#: Kind of a reply's meaning: not complete, preliminary (another one follows), refused, granted, granted by a code that
#: nothing else is answered with.
INCOMPLETE, PRELIMINARY, NEGATIVE, POSITIVE, UNIQUE = range(5)

#: of the word that begins a command: noise has ends of lines as well
_PRINTABLE: Final = bytes(range(33, 127))
#: what no text has, in whatever character set
_CONTROLS: Final = bytes((*range(9), *range(14, 27), *range(28, 32), 127))

_numeric = re.compile(rb"(\d{3})(?:([ -])|\Z)").match


class Dialogue(Saved):
    """The parser of one connection. A protocol says by its methods what commands and replies mean.

    ``greets``: the server speaks first.
    """

    #: whether facts come from transactions; without them they are those of the detector
    has_transactions = False
    greets = True

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self._commands = LineReader()
        self._replies = LineReader()
        self._pending: tuple[Command, ...] = ((GREETING, b"", 0),) if self.greets else ()
        self._in_reply = False
        #: the client's bytes behind the first command that may hand over or begin a body; where in them those begin
        #: that stand behind each of these commands
        self._tail = b""
        self._tail_full = False
        self._marks: tuple[int, ...] = ()
        #: code of a numeric reply of several lines whose last one has not come
        self._code = b""
        #: as it was before the client's bytes behind a command that asks for a body were read as commands
        self._before: Dialogue | None = None
        #: the server's bytes that came before their command
        self._held = b""
        #: the client's bytes that may begin a ClientHello
        self._cut_hello = b""

    @classmethod
    def follow(cls, flow: Flow) -> Dialogue | None:
        """Return the parser of a flow, None where its start was not seen and who is the server is not clear."""
        parser = cls()
        return parser if parser._may_follow(flow) else None

    def _may_follow(self, flow: Flow) -> bool:
        if flow.midstream:
            if flow.client[:1] in b"+*0123456789":
                return False
            if not flow.turned:
                self._pending = ()
        return True

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed", "over", "_commands", "_replies", "_pending", "_in_reply", "_held", "_cut_hello", "_tail",
            "_tail_full", "_marks", "_code",
        )  # fmt: skip

    def state_shapes(self) -> dict[str, Any]:
        return {"_pending": [(int, bytes, int)], "_marks": [int]}

    def copy(self) -> Dialogue:
        """Return a parser in the same state."""
        other = type(self)()
        other.confirmed = self.confirmed
        other._commands, other._replies = self._commands.copy(), self._replies.copy()
        other._pending, other._in_reply, other._held = self._pending, self._in_reply, self._held
        other._cut_hello = self._cut_hello
        other._tail, other._tail_full, other._marks = self._tail, self._tail_full, self._marks
        other._code, other._before = self._code, self._before
        self._copy_into(other)
        return other

    # --- what a protocol says --------------------------------------------------------------------------------------

    def _copy_into(self, other: Dialogue) -> None:
        """Copy what the protocol keeps in addition."""

    def _command(self, line: bytes, found: Found) -> Command | None:
        """Return what a line of the client asks for, None for one that is not answered."""
        raise NotImplementedError

    def _reply(self, line: bytes, command: Command) -> int:
        """Return what a line of the server says to ``command``: INCOMPLETE to UNIQUE."""
        raise NotImplementedError

    def _is_reply(self, line: bytes) -> bool:
        """Return whether a line of the server is one that this protocol's send."""
        return len(line.translate(None, _CONTROLS)) == len(line)

    def _is_unasked(self, line: bytes) -> bool:
        """Return whether a line of the server answers nothing, so that it may come at any time."""
        return False

    def _answer(self, command: Command, line: bytes, found: Found) -> None:
        """A command has its reply, whose last line is given."""

    def _body_end(self, found: Found) -> None:
        """The client's body has ended."""

    def finish(self) -> Sequence[Transaction]:
        """Return the transactions that are still open."""
        return ()

    def _numeric(self, line: bytes) -> int:
        """Return the code of a numeric reply at its last line, 0 before (RFC 5321 section 4.2, RFC 959 section 4.2)."""
        if self._code:
            if line[:3] != self._code or line[3:4] not in (b" ", b""):
                return 0
            self._code = b""
            return int(line[:3])
        found = _numeric(line)
        if found is None:
            return 0
        if found[2] == b"-":
            self._code = found[1]
            return 0
        return int(found[1])

    # --- the core's side -------------------------------------------------------------------------------------------

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read the next bytes of a direction."""
        found: Found = []
        if to_server:
            data, self._cut_hello = self._cut_hello + data, b""
            self._read_commands(data, found)
            data, self._held = self._held, b""
        elif self._held:
            data, self._held = self._held + data[: _MOST_HELD - len(self._held)], b""
        if data:
            self._read_replies(data, found)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless inside of a body that ends by itself."""
        return not self._marks and (self._commands if to_server else self._replies).dotted

    def _read_commands(self, data: bytes, found: Found) -> None:
        reader = self._commands
        at = 0
        while at < len(data):
            in_body = reader.dotted
            if (
                data[at] == _TLS_RECORD
                and reader.begins
                and not self._marks
                and self._waits_for_hello(data[at:], found)
            ):
                return
            line, behind = reader.read(data, at)
            if self._marks:
                found.append(Ambiguous("early_bytes", hides_inner=True))
                self._keep_tail(cut(data, at, behind))
            if reader.odd_end:
                reader.odd_end = False
                found.append(Ambiguous("body_end"))
            at = behind
            if line is None:
                return
            if reader.is_cut and not in_body:
                found.append(Ambiguous("long_line"))
            if in_body:
                self._body_end(found)
                self._push((BODY_END, b"", 0))
                continue
            command = self._command(line, found)
            if command is not None:
                if command[0] == BODY and self._before is None:
                    self._before = self.copy()
                if command[0] in (TLS, BODY):
                    if reader.mixes_ends:
                        found.append(Ambiguous("line_ends", hides_inner=True))
                    self._marks = (*self._marks, len(self._tail))
                self._push(command)

    def _waits_for_hello(self, data: bytes, found: Found) -> bool:
        """Return True while the beginning of a line may become a ClientHello. None begins with one: a server that takes
        it has said yes to something that was read otherwise."""
        hello = begins_hello(data)
        if hello is YES:
            found.append(Ambiguous("unasked_tls", hides_inner=True))
        elif hello is MORE:
            self._cut_hello = data
        return hello is MORE

    def _push(self, command: Command) -> None:
        pending = (*self._pending, command)
        self._pending = pending[-_MOST_PENDING:]

    def _keep_tail(self, data: bytes) -> None:
        if len(self._tail) + len(data) > _MOST_HELD or len(self._marks) > _MOST_PENDING:
            self._tail_full = True
        if not self._tail_full:
            self._tail += data

    def _read_replies(self, data: bytes, found: Found) -> None:
        reader = self._replies
        at = 0
        while at < len(data):
            in_body = reader.dotted
            line, at = reader.read(data, at)
            if line is None:
                return
            if in_body or not line:
                continue
            if not self._pending and not self._in_reply:
                if self._is_unasked(line):
                    continue
                self._held = (line + b"\r\n" + data[at:])[:_MOST_HELD]
                return
            command = self._pending[0] if self._pending else (PLAIN, b"", 0)
            meaning = self._reply(line, command)
            command = self._pending[0] if self._pending else command  # tags may name a later one
            if meaning == UNIQUE and command[0] != TLS:
                meaning = self._catch_up()
                if not meaning:
                    found.append(Ambiguous("unasked_answer", hides_inner=True))
                    meaning = POSITIVE
                command = self._pending[0] if self._pending else command
            if meaning in (INCOMPLETE, PRELIMINARY):
                self._in_reply = meaning == INCOMPLETE  # the rest of this reply is awaited, whatever is pending
                continue
            self._in_reply = False
            self._pending = self._pending[1:]
            asked = command[0] not in (GREETING, BODY_END) and not command[1].translate(None, _PRINTABLE)
            self.confirmed = self.confirmed or (asked and self._is_reply(line))
            if self._replied(command, meaning, line, data[at:], found):
                return

    def _catch_up(self) -> int:
        """Only STARTTLS is answered so: replies to what is before it have been lost or were never sent."""
        for at, command in enumerate(self._pending):
            if command[0] == TLS:
                skipped = sum(1 for before in self._pending[:at] if before[0] == BODY)
                self._marks = self._marks[skipped:]
                self._pending = self._pending[at:]
                return UNIQUE
        return 0

    def _replied(self, command: Command, meaning: int, line: bytes, behind: bytes, found: Found) -> bool:
        """Act on a complete reply; True when another protocol begins behind it."""
        self._answer(command, line, found)
        kind = command[0]
        granted = meaning in (POSITIVE, UNIQUE)
        if kind == LISTING and granted:
            self._replies.dotted = True
        if kind not in (TLS, BODY) or not self._marks:
            return False
        mark, self._marks = self._marks[0], self._marks[1:]
        tail = b"" if self._tail_full else self._tail[mark:]
        before, self._before = self._before, None
        if not granted:
            if not self._marks:
                self._tail, self._tail_full = b"", False
            return False
        if kind == TLS:
            found.append(HandOver(tail, behind))
            return True
        # what was read as commands behind the go-ahead is the body
        if before is not None:
            before._copy_into(self)
        self._marks, self._pending, self._tail, self._tail_full = (), (), b"", False
        self._commands = LineReader()
        self._commands.dotted = True
        self._read_commands(tail, found)
        return False


def verb_and_rest(line: bytes) -> tuple[bytes, bytes]:
    """Return the first word in upper case, and what follows it without blanks around."""
    word, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
    return word.upper(), rest.strip()
