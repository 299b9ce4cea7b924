"""SMTP's mails; where POP3, IMAP, NNTP and ManageSieve hand over to TLS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import Ambiguous, Transaction

from ..parsing.wire import CR, NUL, text
from .lines import (
    BODY,
    GREETING,
    INCOMPLETE,
    LISTING,
    NEGATIVE,
    PLAIN,
    POSITIVE,
    PRELIMINARY,
    TLS,
    UNIQUE,
    Command,
    Dialogue,
    verb_and_rest,
)
from .pairs import Found

_path = re.compile(rb"(?:FROM|TO)[ \t]*:[ \t]*(?:<(?:@[^:>]*:)?([^>]*)>?|(\S*))", re.IGNORECASE).match
#: a path that all servers read alike: no quotes, comments, blanks or second brackets
_plain_path = re.compile(
    rb"(?:FROM|TO):[ \t]*(?:<(?:@[\w.,@-]{1,255}:)?[^\s<>()\"\\,:;\x00-\x1f\x7f]*>|[^\s<>()\"\\,:;\x00-\x1f\x7f]+)"
    rb"(?:[ \t][^<>]*)?\Z",
    re.IGNORECASE,
).match
_bdat = re.compile(rb"BDAT ([0-9]{1,11})( LAST)?[ \t]*\Z", re.IGNORECASE).match
_literal = re.compile(rb"\{(\d{1,9})\+?\}\Z").search
#: Recipients of a mail that are kept; of more the last one stands for those before it.
_MOST_RECIPIENTS: Final = 32
#: replies of NNTP with lines behind them up to a dot (RFC 3977 section 3.2, RFC 4643, RFC 6048)
_NNTP_LISTS: Final = frozenset({100, 101, 215, 220, 221, 222, 224, 225, 230, 231, 282})


def _address(path: bytes) -> str:
    """Return a path's address in one spelling: servers deliver to the same box, whatever the case of letters."""
    return text(path.removesuffix(b".")).lower()


class SmtpDialogue(Dialogue):
    """A transaction is a mail: ``MAIL`` to the end of its data (RFC 5321 section 3.3). The greeting's belongs to the
    first one."""

    has_transactions = True

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._helo = ""
        self._mail: dict[str, Any] = {}
        #: the server takes BDAT, and the last command was AUTH, whose last answer has not come
        self._chunking = False
        self._authenticating = False

    def state_names(self) -> tuple[str, ...]:
        return *Dialogue.state_names(self), "_number", "_helo", "_mail", "_chunking", "_authenticating"

    def state_shapes(self) -> dict[str, Any]:
        return Dialogue.state_shapes(self) | {"_mail": {str: object}}

    def _copy_into(self, other: Dialogue) -> None:
        assert isinstance(other, SmtpDialogue)
        other._number, other._helo, other._mail = self._number, self._helo, self._mail
        other._chunking, other._authenticating = self._chunking, self._authenticating

    def _command(self, line: bytes, found: Found) -> Command | None:
        verb, rest = verb_and_rest(line)
        kind = PLAIN
        if verb in (b"EHLO", b"HELO", b"LHLO"):
            self._helo = text(rest)
            if not self._mail:
                found.append(Transaction(self._number, {"helo": self._helo}))
        elif verb in (b"MAIL", b"RCPT"):
            path = _path(rest)
            if _plain_path(rest) is None or CR in line or NUL in line:
                found.append(Ambiguous("path"))
            if path is not None:
                self._add_path(verb, _address(path[1] if path[1] is not None else path[2]), found)
        elif verb in (b"RSET", b"QUIT"):
            self._complete(found)
        elif verb == b"DATA":
            kind = BODY
        elif verb == b"BDAT":
            self._chunk(line, found)
        elif verb in (b"STARTTLS", b"X-ANONYMOUSTLS"):  # the second between servers of Exchange (MS-OXSMTP)
            kind = TLS
        if self._authenticating and (kind != PLAIN or verb == b"BDAT"):
            found.append(Ambiguous("challenge", hides_inner=True))  # a command, or what answers a challenge
        self._authenticating = self._authenticating or verb == b"AUTH"
        return kind, verb, self._number

    def _chunk(self, line: bytes, found: Found) -> None:
        """BDAT: so many bytes are no commands, for a server that takes it (RFC 3030 section 2)."""
        chunk = _bdat(line)
        if chunk is None or not self._chunking or self._commands.mixes_ends:
            found.append(Ambiguous("chunk", hides_inner=True))
        if chunk is not None:
            self._commands.left = int(chunk[1])
            if chunk[2]:
                self._complete(found)

    def _add_path(self, verb: bytes, path: str, found: Found) -> None:
        if verb == b"MAIL":
            self._complete(found)
            self._mail = {"helo": self._helo, "mail_from": path} if self._helo else {"mail_from": path}
        else:
            recipients = [*self._mail.get("rcpt_to", [])[: _MOST_RECIPIENTS - 1], path]
            self._mail = {**self._mail, "rcpt_to": recipients}
        found.append(Transaction(self._number, self._mail))

    def _complete(self, found: Found) -> None:
        if self._mail:
            found.append(Transaction(self._number, self._mail, True))
            self._mail = {}
            self._number += 1

    def _body_end(self, found: Found) -> None:
        self._complete(found)

    def _reply(self, line: bytes, command: Command) -> int:
        code = self._numeric(line)
        if command[1] in (b"EHLO", b"LHLO") and line[4:12].upper() == b"CHUNKING":
            self._chunking = True
        if not code:
            return INCOMPLETE
        if code != 334:
            self._authenticating = False
        if command[0] == BODY:
            return POSITIVE if code == 354 else NEGATIVE
        if code == 220 and command[0] != GREETING:
            return UNIQUE
        return POSITIVE if code < 400 and command[0] != TLS else NEGATIVE

    def finish(self) -> Sequence[Transaction]:
        """Return the mail that has no end, or who greeted where there was none."""
        if self._mail:
            return [Transaction(self._number, self._mail, True)]
        return [Transaction(self._number, {"helo": self._helo}, True)] if self._helo and not self._number else []


class Pop3Dialogue(Dialogue):
    """RFC 1939, STLS: RFC 2595 section 4."""

    def _command(self, line: bytes, found: Found) -> Command | None:
        verb, rest = verb_and_rest(line)
        if verb == b"STLS":
            return TLS, verb, 0
        listing = verb in (b"CAPA", b"RETR", b"TOP") or (verb in (b"LIST", b"UIDL", b"AUTH") and not rest)
        return (LISTING if listing else PLAIN), verb, 0

    def _is_reply(self, line: bytes) -> bool:
        return line.startswith((b"+OK", b"-ERR", b"+ ")) and super()._is_reply(line)

    def _reply(self, line: bytes, command: Command) -> int:
        return POSITIVE if line.startswith(b"+") else NEGATIVE


class ImapDialogue(Dialogue):
    """Tags tell which command is answered (RFC 9051 section 2.2); STARTTLS: section 6.2.1."""

    def _command(self, line: bytes, found: Found) -> Command | None:
        tag, _, rest = line.partition(b" ")
        verb, _ = verb_and_rest(rest)
        if not verb.isalpha():  # what goes on behind a literal, or answers a challenge
            return None
        # literals are read as well: a server that refuses one takes what follows for commands
        return (TLS if verb == b"STARTTLS" else PLAIN), tag, 0

    def _is_unasked(self, line: bytes) -> bool:
        literal = _literal(line)
        if literal is not None:
            self._replies.left = int(literal[1])
        tag, _, rest = line.partition(b" ")
        return tag in (b"*", b"+") or verb_and_rest(rest)[0] not in (b"OK", b"NO", b"BAD")

    def _reply(self, line: bytes, command: Command) -> int:
        if command[0] == GREETING and line.startswith(b"* "):
            return POSITIVE
        if self._is_unasked(line):
            return PRELIMINARY
        tag, _, rest = line.partition(b" ")
        if all(other[1] != tag for other in self._pending):
            return PRELIMINARY
        while self._pending[0][1] != tag:  # those may be lines of a literal, which nobody answers
            if self._pending[0][0] == TLS:
                self._marks = self._marks[1:]
            self._pending = self._pending[1:]
        status, _ = verb_and_rest(rest)
        return POSITIVE if status == b"OK" else NEGATIVE


class NntpDialogue(Dialogue):
    """RFC 3977 section 3, STARTTLS: RFC 4642 section 2.2."""

    def _command(self, line: bytes, found: Found) -> Command | None:
        verb, _ = verb_and_rest(line)
        kind = TLS if verb == b"STARTTLS" else BODY if verb in (b"POST", b"IHAVE") else PLAIN
        if verb == b"TAKETHIS":  # RFC 4644 section 2.5: the article follows at once
            self._commands.dotted = True
            return None  # its end is answered
        return kind, verb, 0

    def _is_reply(self, line: bytes) -> bool:
        return line[:3].isdigit() and super()._is_reply(line)

    def _reply(self, line: bytes, command: Command) -> int:
        code = self._numeric(line)
        if code == 382:
            return UNIQUE
        if code in _NNTP_LISTS or (code == 211 and command[1] == b"LISTGROUP"):
            self._replies.dotted = True
        return POSITIVE if 100 <= code < 400 and command[0] != TLS else NEGATIVE


class SieveDialogue(Dialogue):
    """ManageSieve: RFC 5804 sections 1.2 and 2.2. A reply ends with OK, NO or BYE; strings may be literals."""

    def _literals(self, line: bytes) -> int:
        literal = _literal(line)
        return int(literal[1]) if literal is not None else 0

    def _command(self, line: bytes, found: Found) -> Command | None:
        if line.endswith(b"+}"):  # a client's literals are of this kind alone (section 4)
            self._commands.left = self._literals(line)
        verb, _ = verb_and_rest(line)
        if not verb.isalpha():
            return None
        return (TLS if verb == b"STARTTLS" else PLAIN), verb, 0

    def _reply(self, line: bytes, command: Command) -> int:
        self._replies.left = self._literals(line)
        status, _ = verb_and_rest(line)
        if status not in (b"OK", b"NO", b"BYE"):
            return INCOMPLETE
        return POSITIVE if status == b"OK" else NEGATIVE
