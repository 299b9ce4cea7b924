"""Where TLS begins in a connection whose dialogue is not read: a ClientHello among a side's first bytes.

For protocols that turn to TLS by messages of their own, and for flows without a name: what is said before the hello
does not matter, nor which side sends it. Data in clear with a ClientHello among them are taken for TLS as well; no
other data are, since so many bytes of a hello have fixed values.

:source: RFC 8446 sections 4.1.2, 4.1.3 and 5.1 (a hello may come in records of any size above 0)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, HandOver, Transaction, TransactionParser, hookimpl

from .saving import Saved

#: Bytes of each side that are watched.
_MOST_WATCHED: Final = 16384
#: Bytes of a side that are held behind its ServerHello, while the other side's ClientHello has not come.
_MOST_HELD: Final = 65536


#: Patterns of the bytes behind a message's type: its length, and its version. Servers are free about a client's.
_USUAL: Final = (rb"\x00", b".", b".", rb"\x03", rb"[\x00-\x04]")
_FREE: Final = (rb"[\x00-\x02]", b".", b".", rb"[\x03-\xff]")


def _whole(record: bytes, kind: bytes, rest: tuple[bytes, ...]) -> bytes:
    """Return the pattern of a message that begins in a record of its own; ``record`` is that of a record's version."""
    return rb"\x16%s[\x00-\x48].%s%s" % (record, kind, b"".join(rest))


def _pieces(record: bytes, kind: bytes, rest: tuple[bytes, ...]) -> bytes:
    """Return the pattern of a message that begins in records of up to 5 bytes."""
    sizes = [rb"\x00\x0%d%s%s" % (size, kind, b"".join(rest[: size - 1])) for size in range(1, 6)]
    return rb"\x16%s(?:%s)\x16" % (record, b"|".join(sizes))


def _any(*patterns: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(patterns), re.DOTALL)


#: OpenSSL reads records of any version 3.x, Go below 16.0.
CLIENT_HELLO_BYTES: Final = _any(
    _whole(rb"\x03.", rb"\x01", _FREE),
    _whole(rb"[\x00-\x0f].", rb"\x01", _USUAL),
    _pieces(rb"[\x00-\x0f].", rb"\x01", _FREE),
)
_client_hello: Final = CLIENT_HELLO_BYTES.search
_begins: Final = CLIENT_HELLO_BYTES.match
_RECORD: Final = rb"\x03[\x00-\x04]"
_server_hello: Final = _any(_whole(_RECORD, rb"\x02", _USUAL), _pieces(_RECORD, rb"\x02", _USUAL)).search
#: The beginning of a hello at the end of what has come.
_cut_hello: Final = re.compile(rb"\x16(?:\x03(?:[\x00-\x04].*)?)?\Z", re.DOTALL).search
#: A hello that is cut has at most so many of its bytes here.
_CUT: Final = 12


def begins_hello(data: bytes) -> Answer:
    """Return YES where data begin with a ClientHello, MORE where they are cut before that shows."""
    if data[:1] != b"\x16":
        return NO
    return YES if _begins(data) else MORE if len(data) < _CUT else NO


@final
class HelloWatch(Saved):
    """The parser of one connection. It finds no transactions, and one hand-over.

    ``over`` when ``limit`` bytes of a side had no hello in them.
    """

    __slots__ = ("_held", "_limit", "_rest", "_seen", "confirmed", "has_transactions", "over")

    def __init__(self, limit: int = _MOST_WATCHED) -> None:
        self.confirmed = self.over = self.has_transactions = False
        self._limit = limit
        #: of server and client: how many bytes were read, the last of them, and those from a ServerHello on
        self._seen = (0, 0)
        self._rest = (b"", b"")
        self._held = (b"", b"")

    def state_names(self) -> tuple[str, ...]:
        return "over", "_limit", "_seen", "_rest", "_held"

    def load(self, saved: Any) -> None:
        """Take a state."""
        super().load(saved)
        pairs = (self._seen, self._rest, self._held)
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("not the state of this parser")

    def copy(self) -> HelloWatch:
        """Return a parser in the same state."""
        other = HelloWatch(self._limit)
        other.over, other._seen, other._rest, other._held = self.over, self._seen, self._rest, self._held
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[HandOver]:
        """Read the next bytes of a direction."""
        held = self._held[to_server]
        if held:
            self._held = _with(self._held, to_server, (held + data)[:_MOST_HELD])
            return ()
        read = self._rest[to_server] + data
        hello = _client_hello(read)
        if hello is not None:
            cut_off = _cut_hello(self._rest[not to_server])
            inside, other = read[hello.start() :], self._held[not to_server] or (cut_off[0] if cut_off else b"")
            return (HandOver(inside, other) if to_server else HandOver(other, inside),)
        answer = _server_hello(read)
        if answer is not None:
            self._held = _with(self._held, to_server, read[answer.start() :][:_MOST_HELD])
        self._rest = _with(self._rest, to_server, read[-_CUT:])
        seen = self._seen[to_server] + len(data)
        self._seen = (self._seen[0], seen) if to_server else (seen, self._seen[1])
        self.over = seen >= self._limit and not any(self._held)
        return ()

    def gap(self, to_server: bool, size: int) -> bool:
        """The hello may come behind missing bytes."""
        self._rest = _with(self._rest, to_server, b"")
        return True

    def finish(self) -> Sequence[Transaction]:
        """Nothing is open."""
        return ()


@hookimpl
def watch_for_tls(flow: Flow) -> TransactionParser | None:
    """Return the parser of a flow whose protocol may turn to TLS; None where there is no stream.

    It is the hook of detectors whose protocol has no transactions: ``pywall_transactions = watch_for_tls``.
    """
    return None if flow.proto == UDP else HelloWatch()


def _with(pair: tuple[bytes, bytes], to_server: bool, value: bytes) -> tuple[bytes, bytes]:
    return (pair[0], value) if to_server else (value, pair[1])
