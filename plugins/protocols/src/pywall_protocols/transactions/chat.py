"""Where IRC and XMPP hand over to TLS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import MORE, NO, YES, Ambiguous, Answer, HandOver, Transaction

from .hello_watch import begins_hello
from .lines import NEGATIVE, POSITIVE, PRELIMINARY, TLS, Command, Dialogue, verb_and_rest
from .pairs import Found, Step
from .saving import Saved

#: Bytes of a direction that are held until the other side has said what they are.
_MOST_HELD: Final = 65536
#: the first byte of a record of TLS that has a hello
_TLS_RECORD: Final = 0x16
#: bytes by which a hello is known
_LONGEST_BEGINNING: Final = 64
#: Bytes of an element's beginning that are waited for.
_MOST_OPEN: Final = 1024
_irc_reply = re.compile(rb"(?::\S+ )?(670|691)(?: |\Z)").match
_starttls = re.compile(rb"<(?:[A-Za-z0-9_.\-]{1,32}:)?starttls(?=[\s/>])[^<>]*(?:/>|>\s*</[^<>]{1,64}>)").search
_proceed = re.compile(rb"<(?:[A-Za-z0-9_.\-]{1,32}:)?proceed(?=[\s/>])[^<>]*(?:/>|>\s*</[^<>]{1,64}>)").search
_last_tag = re.compile(rb"<[^<>]{0,512}(?:>\s{0,8}(?:</?[^<>]{0,64})?)?\Z").search


class IrcDialogue(Dialogue):
    """The tls extension (IRCv3, STARTTLS): numeric 670 goes ahead, 691 refuses."""

    greets = False

    def _command(self, line: bytes, found: Found) -> Command | None:
        verb, rest = verb_and_rest(line)
        if verb[:1] in (b":", b"@"):
            verb, _ = verb_and_rest(rest)
        return (TLS, verb, 0) if verb == b"STARTTLS" else None

    def _is_unasked(self, line: bytes) -> bool:
        return _irc_reply(line) is None

    def _reply(self, line: bytes, command: Command) -> int:
        found = _irc_reply(line)
        if found is None:
            return PRELIMINARY
        return POSITIVE if found[1] == b"670" else NEGATIVE


@final
class XmppDialogue(Saved):
    """``<starttls/>`` is answered by ``<proceed/>`` or the stream ends (RFC 6120 section 5.4.2)."""

    has_transactions = False

    def __init__(self) -> None:
        self.confirmed = self.over = False
        #: bytes of server and client whose element is not complete
        self._rest = (b"", b"")
        #: bytes of each behind its element, None while it has not come
        self._behind: tuple[bytes | None, bytes | None] = (None, None)

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "_rest",
            "_behind",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {"_behind": (bytes | None, bytes | None)}

    def copy(self) -> XmppDialogue:
        """Return a parser in the same state."""
        other = XmppDialogue()
        other.confirmed, other._rest, other._behind = self.confirmed, self._rest, self._behind
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Look for the elements."""
        ambiguous: list[Step] = []
        behind = self._behind[to_server]
        if behind is not None:
            behind = (behind + data)[:_MOST_HELD]
        else:
            data = self._rest[to_server] + data
            found = (_starttls if to_server else _proceed)(data)
            if found is not None:
                behind, data = data[found.end() :], b""
            elif to_server:
                start, said = _find_hello(data)
                if said is YES:  # no XML has this byte: a server that takes it has said yes to what was read otherwise
                    ambiguous = [Ambiguous("unasked_tls", hides_inner=True)]
                elif said is MORE:
                    self._rest = (self._rest[0], data[start:])
                    return ()
            last = _last_tag(data)
            rest = data[last.start() :][:_MOST_OPEN] if last is not None else b""
            self._rest = (self._rest[0], rest) if to_server else (rest, self._rest[1])
        self._behind = (self._behind[0], behind) if to_server else (behind, self._behind[1])
        server, client = self._behind
        return [HandOver(client, server)] if client is not None and server is not None else ambiguous

    def gap(self, to_server: bool, size: int) -> bool:
        """The elements may come later."""
        return True

    def finish(self) -> Sequence[Transaction]:
        """Return nothing."""
        return ()


def _find_hello(data: bytes) -> tuple[int, Answer]:
    """Return where a ClientHello begins, and YES; where one may begin that is cut, and MORE; NO where there is none."""
    start = data.find(_TLS_RECORD)
    while start >= 0:
        said = begins_hello(data[start : start + _LONGEST_BEGINNING])
        if said is not NO:
            return start, said
        start = data.find(_TLS_RECORD, start + 1)
    return len(data), NO
