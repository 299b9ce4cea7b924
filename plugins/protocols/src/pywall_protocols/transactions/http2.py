"""HTTP/2 in clear: a transaction for each stream, with the facts of HTTP.

:source: RFC 9113 sections 3.4 (preface), 5.1 (streams), 8.3 (pseudo-fields), 8.4 (push); RFC 8441 (CONNECT with
    a protocol); RFC 7540 section 3.2 (h2c upgrade, whose answer comes on stream 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, Carried, Flow, HandOver, Transaction

from ..parsing.wire import text
from .http import BODY, host_facts
from .http2_frames import DATA, HEADERS, RST_STREAM, Block, FrameReader, is_installed
from .http_fields import values
from .http_path import normal_path
from .saving import Saved

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#: Streams whose facts are kept until the response has come; and responses until their request has.
_MOST_OPEN: Final = 256
#: Streams whose bodies are counted at a time.
_MOST_BODIES: Final = 64
_REQUEST_FACTS: Final = ((b"user-agent", "http_user_agent"), (b"referer", "http_refer"))
_RESPONSE_FACTS: Final = (
    (b"content-type", "http_content_type"),
    (b"content-encoding", "content_encoding"),
    (b"location", "redirect"),
)
#: Bytes of the client that are kept until the server has begun.
_MOST_HELD: Final = 16384
#: Bytes of a frame's header, and types of the frames that a server may begin with.
_HEAD: Final = 9
_SETTINGS: Final = 4
_GOAWAY: Final = 7
Found = Transaction | HandOver | Carried | Ambiguous


@final
class Http2Transactions(Saved):
    """The parser of one connection."""

    #: facts and events are those of HTTP
    facts_of = "http"

    __slots__ = (
        "_answered", "_asked", "_bodies", "_codings", "_early", "_first", "_held", "_open", "_preface",
        "confirmed", "has_transactions", "number", "over",
    )  # fmt: skip

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self.number = 0
        self._asked, self._answered = FrameReader(), FrameReader()
        #: bytes of the preface that have not come
        self._preface = PREFACE
        #: the first bytes of the server
        self._first = b""
        #: what the client said behind the preface, until they have come: whoever begins otherwise speaks something else
        self._held = b""
        #: number and facts of the requests without a response, by stream
        self._open: dict[int, tuple[int, dict[str, Any]]] = {}
        #: facts of responses whose request was not read, by stream
        self._early: dict[int, dict[str, Any]] = {}
        #: by direction and stream: content codings; the number that the body has, and its bytes that were given
        self._codings: dict[tuple[bool, int], str] = {}
        self._bodies: dict[tuple[bool, int], tuple[int, int]] = {}

    @property
    def carries(self) -> frozenset[str]:
        """Carriers that rules ask about."""
        return frozenset({BODY}) if self._asked.keep_body else frozenset()

    @carries.setter
    def carries(self, wanted: frozenset[str]) -> None:
        self._asked.keep_body = self._answered.keep_body = BODY in wanted

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "over",
            "number",
            "_asked",
            "_answered",
            "_preface",
            "_first",
            "_held",
            "_open",
            "_early",
            "_codings",
            "_bodies",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {
            "_open": {int: (int, {str: object})},
            "_early": {int: {str: object}},
            "_codings": {(bool, int): str},
            "_bodies": {(bool, int): (int, int)},
        }

    def copy(self) -> Http2Transactions:
        """Return a parser in the same state."""
        other = Http2Transactions()
        other.confirmed, other.over, other.number = self.confirmed, self.over, self.number
        other._asked, other._answered, other._preface = self._asked.copy(), self._answered.copy(), self._preface
        other._first, other._held = self._first, self._held
        other._open, other._early = dict(self._open), dict(self._early)
        other._codings, other._bodies = dict(self._codings), dict(self._bodies)
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Found]:
        """Read the next bytes of a direction."""
        found: list[Found] = []
        at = 0
        if to_server and self._preface:
            at = min(len(self._preface), len(data))
            if self._preface[:at] != data[:at]:
                return [HandOver(PREFACE[: len(PREFACE) - len(self._preface)] + data, b"", False)]
            self._preface = self._preface[at:]
        elif not to_server and len(self._first) < _HEAD:
            before = self._first
            self._first += data[: _HEAD - len(before)]
            if len(self._first) == _HEAD:
                if not _may_be_first(self._first):
                    return [HandOver(self._held, before + data, False)]
                self._held = b""
        if to_server and len(self._first) < _HEAD and len(self._held) < _MOST_HELD:
            self._held = (self._held + data[at:])[:_MOST_HELD]
        reader = self._asked if to_server else self._answered
        while at < len(data):
            at, kind, fields = reader.read(data, at)
            if kind == HEADERS:
                self._bodies.pop((to_server, reader.stream), None)  # those behind a body are trailers
                self._head(to_server, reader.stream, fields, found)
            elif kind in (DATA, RST_STREAM):
                if reader.body:
                    self._carry(to_server, reader.stream, reader.body, found)
                if reader.ends:
                    self._bodies.pop((to_server, reader.stream), None)
            elif reader.broken:
                break
        if to_server and reader.broken:
            found.append(Ambiguous("frame"))
            found.append(HandOver(reader.unread + data[at:], b"", False))
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Header blocks rest on those before them."""
        return False

    def finish(self) -> Sequence[Transaction]:
        """Return the requests without a response, and the responses without a request."""
        left = [Transaction(number, facts, True) for number, facts in self._open.values()]
        for facts in self._early.values():
            left.append(Transaction(self.number, {"protocol": "HTTP/2", **facts}, True))
            self.number += 1
        self._open, self._early = {}, {}
        return left

    def _head(self, to_server: bool, stream: int, fields: Block, found: list[Found]) -> None:
        if fields is None:
            if to_server:
                facts: dict[str, Any] = {"protocol": "HTTP/2", "undecodable": True}
                found.append(Transaction(self.number, facts, True, "undecodable_head"))
                found.append(Ambiguous("undecodable_head"))
                self.number += 1
            return
        known = tuple(fields)
        if self._asked.keep_body:
            codings = b", ".join(values(known, b"content-encoding")).lower()
            if codings:
                self._codings[to_server, stream] = text(codings)
            if len(self._codings) > _MOST_OPEN:
                del self._codings[next(iter(self._codings))]
        if to_server:
            self._request(stream, known, found)
        elif values(known, b":status"):
            self._response(stream, known, found)

    def _request(self, stream: int, fields: tuple[tuple[bytes, bytes], ...], found: list[Found]) -> None:
        method = b"".join(values(fields, b":method")[:1])
        if not method:
            return  # trailers
        path = b"".join(values(fields, b":path")[:1])
        authority = values(fields, b":authority")
        facts: dict[str, Any] = {
            "http_method": text(method),
            "url": text(path or b"".join(authority[:1])),
            "path": text(normal_path(path)),
            "protocol": "HTTP/2",
        }
        host_facts(facts, [*authority, *values(fields, b"host")])
        for name, fact in _REQUEST_FACTS:
            given = values(fields, name)
            if given:
                facts[fact] = text(given[0])
        if b"".join(values(fields, b"content-type")[:1]).startswith(b"application/grpc"):
            facts["grpc"] = True
        inside = values(fields, b":protocol")
        if inside:
            facts["upgrade"] = text(inside[0])
        number, self.number = self.number, self.number + 1
        found.append(Transaction(number, facts))
        early = self._early.pop(stream, None)
        if early is not None:
            found.append(Transaction(number, {**facts, **early}, True))
            return
        self._open[stream] = number, facts
        if len(self._open) > _MOST_OPEN:
            oldest, oldest_facts = self._open.pop(next(iter(self._open)))
            found.append(Transaction(oldest, oldest_facts, True))

    def _response(self, stream: int, fields: tuple[tuple[bytes, bytes], ...], found: list[Found]) -> None:
        status = values(fields, b":status")[0]
        self.confirmed = True
        if not status.isdigit() or len(status) != 3 or status[:1] == b"1":
            return
        facts: dict[str, Any] = {"status": int(status)}
        for name, fact in _RESPONSE_FACTS:
            given = values(fields, name)
            if given:
                facts[fact] = text(given[0])
        asked = self._open.pop(stream, None)
        if asked is not None:
            if asked[1]["http_method"] == "CONNECT" and "upgrade" not in asked[1] and status[:1] == b"2":
                found.append(Ambiguous("tunnel_in_a_stream", hides_inner=True))
            found.append(Transaction(asked[0], {**asked[1], **facts}, True))
        elif len(self._early) < _MOST_OPEN:
            self._early.setdefault(stream, facts)

    def _carry(self, to_server: bool, stream: int, data: bytes, found: list[Found]) -> None:
        """Give data of a body. Its number is the lowest that no open body of its direction has: bodies one after the
        other are told as such."""
        key = to_server, stream
        number, given = self._bodies.pop(key, (-1, 0))
        if number < 0:
            taken = {open_body[0] for one, open_body in self._bodies.items() if one[0] == to_server}
            number = next(free for free in range(len(taken) + 1) if free not in taken)
        found.append(Carried(BODY, to_server, data, given, self._codings.get(key, ""), number))
        self._bodies[key] = number, given + len(data)
        if len(self._bodies) > _MOST_BODIES:
            del self._bodies[next(iter(self._bodies))]


def _may_be_first(head: bytes) -> bool:
    """Return whether a server may begin with a frame: with its settings, or where it refuses the client's."""
    return head[3] in (_SETTINGS, _GOAWAY) and head[5] in (0, 128) and not any(head[6:])


def follow(flow: Flow) -> Http2Transactions | None:
    """Return the parser of a flow that was detected as HTTP/2; None where its start was not seen, or without hpack."""
    begins = PREFACE.startswith(flow.client[: len(PREFACE)])
    return Http2Transactions() if begins and is_installed() else None
