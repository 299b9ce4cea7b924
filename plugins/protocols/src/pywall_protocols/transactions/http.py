"""HTTP/1: every request with its response, pipelined or not, and where CONNECT and Upgrade hand over.

Requests and responses belong together by their order (RFC 9112 section 9.3.2). A request is given when its head is
complete, and again with the response's facts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, Carried, Flow, HandOver, Transaction

from ..parsing.wire import FACT_LENGTH, cut, text
from .http_fields import VERSIONS, Fields, body_length, plain_status, split_plain_request, values
from .http_message import END, HEAD, LONGEST_LINE, START, START_LINE, MessageReader
from .http_path import normal_path
from .saving import Saved

Found = Transaction | HandOver | Carried | Ambiguous
#: The carrier of bodies.
BODY: Final = "http.body"
#: Requests whose facts are kept until the response has come; others have their event without it.
_MOST_OPEN: Final = 64
#: Requests without a response of which each has its kind; behind them plain ones are only counted.
_MOST_KINDS: Final = 4096
#: Of a client that has sent another one than a plain request behind more than these, nobody answers anything.
_MOST_PENDING: Final = 65536
#: Bytes of a direction that are held until the other side has said what they are.
_MOST_HELD: Final = 65536
_REQUEST_FIELDS: Final = frozenset(
    {b"host", b"user-agent", b"referer", b"content-length", b"transfer-encoding", b"content-encoding", b"upgrade"}
)
_RESPONSE_FIELDS: Final = frozenset(
    {
        b"content-type",
        b"content-encoding",
        b"upgrade",
        b"content-length",
        b"transfer-encoding",
        b"location",
        b"connection",
        b"proxy-connection",
    }
)
#: fields that say whether the connection goes on
_PERSISTENCE: Final = (b"connection", b"proxy-connection")
#: what is to be known of a request to find the end of its response
# the letters G, S, H, C and U as numbers
_PLAIN: Final = 71
_SIMPLE: Final = 83
_HEAD: Final = 72
_CONNECT: Final = 67
_UPGRADE: Final = 85
_MAY_HAND_OVER: Final = (_CONNECT, _UPGRADE)
#: facts that are the first field of a name
_REQUEST_FACTS: Final = ((b"user-agent", "http_user_agent"), (b"referer", "http_refer"))
_RESPONSE_FACTS: Final = (
    (b"content-type", "http_content_type"),
    (b"content-encoding", "content_encoding"),
    (b"upgrade", "upgrade"),
    (b"location", "redirect"),
)

_method = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}\Z").match
_version = re.compile(rb"HTTP/\d(?:\.\d)?\Z", re.IGNORECASE).match
#: bytes that some servers take for blanks in a request line (white space of ISO 8859-1)
ODD_BLANKS: Final = b"\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0"
BLANKS: Final = b" \t" + ODD_BLANKS
#: some servers leave it out of a target, for others the target ends there
_no_part_of_targets = re.compile(rb"[\0-\x20\x7f]").search
#: how a path, a URL or * begins: what is asked for in a request line
begins_target = re.compile(rb"/|\*|[A-Za-z][A-Za-z0-9+.\-]*:").match
#: the method of a request line that some servers take
_odd_method = re.compile(rb"[%b]*+([!#$%%&'*+\-.^_`|~0-9A-Za-z]{1,64})[%b]++" % (BLANKS, BLANKS)).match
_status = re.compile(rb"(HTTP/\d(?:\.\d)?|ICY)[ \t]+(\d{3})(?=[ \t]|\Z)", re.IGNORECASE).match
#: what no request line begins with: a method that is too long, or another byte behind it than a space
_no_request = re.compile(
    rb"[!#$%%&'*+\-.^_`|~0-9A-Za-z]*+(?:(?<=.{65})|[^!#$%%&'*+\-.^_`|~0-9A-Za-z \t\n%s])" % ODD_BLANKS, re.DOTALL
).match

_authority = re.compile(rb"(?:[A-Za-z][A-Za-z0-9+.\-]*://)?(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:@]*)(?::(\d{1,5}))?").match


@final
class HttpTransactions(Saved):
    """The parser of one connection. ``turned``: the side that spoke first was the server (the start was not seen)."""

    __slots__ = (
        "_answered",
        "_asked",
        "_body_mark",
        "_first",
        "_held",
        "_lost",
        "_marks",
        "_open",
        "_pending",
        "_plain_behind",
        "_switched",
        "_tail",
        "_tail_full",
        "_turned",
        "asked",
        "confirmed",
        "has_transactions",
        "number",
        "over",
    )

    def __init__(self, turned: bool = False) -> None:
        self.confirmed = False
        self.over = False
        self.has_transactions = True
        #: facts that rules ask; with any, or while nobody has said (None), the connection is followed to its end, also
        #: where the server says that it is over
        self.asked: frozenset[str] | None = None
        self.number = 0
        self._turned = turned
        self._asked = MessageReader(_REQUEST_FIELDS)
        self._answered = MessageReader(_RESPONSE_FIELDS)
        #: one byte for each request without a response
        self._pending = b""
        #: plain requests without a response behind those
        self._plain_behind = 0
        #: number of the first of them, and the facts of as many of them as are kept
        self._first = 0
        self._open: tuple[dict[str, Any] | None, ...] = ()
        #: bytes of the server that came before their request
        self._held = b""
        #: bytes of the client behind the first request that may hand over, and where in them those begin that stand
        #: behind each of these requests
        self._tail = b""
        self._marks: tuple[int, ...] = ()
        self._tail_full = False
        #: the last request may upgrade and its body has not ended: what is carried begins behind it
        self._body_mark = False
        #: the server's bytes behind a response that switches, while that body has not ended
        self._switched: bytes | None = None
        #: the client's bytes are no requests since here; a response may still say why
        self._lost = False

    @property
    def carries(self) -> frozenset[str]:
        """Carriers that rules ask about."""
        return frozenset({BODY}) if self._asked.keep_body else frozenset()

    @carries.setter
    def carries(self, wanted: frozenset[str]) -> None:
        self._asked.keep_body = self._answered.keep_body = BODY in wanted

    @property
    def unanswered(self) -> bool:
        """Whether all that was said so far are requests, the last one perhaps not whole, and no word came back."""
        silent = self._answered.state == START and not self._answered.rest and not self._held
        return bool(self._pending) and not self._first and silent and not self._lost and not self.confirmed

    def state_names(self) -> tuple[str, ...]:
        return (
            "confirmed",
            "over",
            "number",
            "_turned",
            "_asked",
            "_answered",
            "_pending",
            "_plain_behind",
            "_first",
            "_open",
            "_held",
            "_marks",
            "_tail",
            "_tail_full",
            "_lost",
            "_body_mark",
            "_switched",
        )

    def state_shapes(self) -> dict[str, Any]:
        return {"_open": [dict | None], "_marks": [int]}

    def copy(self) -> HttpTransactions:
        """Return a parser in the same state."""
        other = HttpTransactions(self._turned)
        other.confirmed, other.over, other.asked, other.number = self.confirmed, self.over, self.asked, self.number
        other._asked, other._answered = self._asked.copy(), self._answered.copy()
        other._pending, other._first, other._open = self._pending, self._first, self._open
        other._plain_behind = self._plain_behind
        other._held, other._tail, other._tail_full = self._held, self._tail, self._tail_full
        other._marks, other._lost = self._marks, self._lost
        other._body_mark, other._switched = self._body_mark, self._switched
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Found]:
        """Read the next bytes of a direction."""
        found: list[Found] = []
        if to_server != self._turned:
            self._read_requests(data, found)
            if self._held and self._pending and not (found and type(found[-1]) is HandOver):
                waiting, self._held = self._held, b""
                self._read_responses(waiting, found)
        elif self._held:
            self._hold(data)
        else:
            self._read_responses(data, found)
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless inside of a body."""
        reader = self._asked if to_server != self._turned else self._answered
        return not self._marks and not self._held and reader.skip(size)

    def finish(self) -> Sequence[Transaction]:
        """Return the requests without a response."""
        left = [Transaction(self._first + at, facts, True) for at, facts in enumerate(self._open) if facts is not None]
        self._open = ()
        return left

    # --- requests -------------------------------------------------------------------------------------------------

    def _read_requests(self, data: bytes, found: list[Found]) -> None:
        reader = self._asked
        at = 0
        while at < len(data) and not self._lost:
            head = None if self._marks else reader.plain_head(data, at)
            line = None if head is None else split_plain_request(head[0])
            if head is None or line is None:
                stopped, event = reader.read(data, at)
            else:
                reader.take_plain(head[0], head[1])
                stopped, event = head[2], HEAD
            if reader.keep_body:
                self._carry(reader, found)
            if self._marks:
                self._keep_tail(cut(data, at, stopped))
            if event == END and self._body_mark:
                self._end_upgrade_body(data[stopped:], found)
                if self._switched is not None:
                    return
            bad = reader.broken or (
                reader.state == START and bool(reader.rest) and _no_request(reader.rest) is not None
            )
            if event == START_LINE:
                line = _split_request(reader.start)
                if line is None and (line := _split_odd_request(reader.start)) is not None:
                    reader.ambiguity = "start_line"
                bad = line is None
                if line is not None and not line[2]:  # HTTP/0.9 has no fields
                    event = HEAD
            if event == HEAD:
                if line is None:
                    line = _split_request(reader.start) or _split_odd_request(reader.start)
                self._request(line, reader.fields, found)
            if reader.ambiguity:
                found.append(Ambiguous(reader.ambiguity))
                reader.ambiguity = ""
            if bad or len(self._pending) > _MOST_PENDING:
                start = reader.start + b"\r\n" if reader.start else b""
                self._contradict(start + reader.rest + data[stopped:], data[stopped:], found)
                return
            at = stopped
        if self._lost and at < len(data):
            self._keep_tail(data[at:])

    def _request(self, line: tuple[bytes, bytes, bytes] | None, fields: Fields, found: list[Found]) -> None:
        length, suspicious = body_length(fields)
        self._asked.begin_body(length or 0)
        if line is None:
            return
        method, target, version = line
        url, path = text(target), normal_path(target)
        facts: dict[str, Any] = {
            "http_method": text(method),
            "url": url,
            "path": url if path is target else text(path),
            "protocol": VERSIONS.get(version) or text(version.upper()) or "HTTP/0.9",
        }
        if _no_part_of_targets(target) is not None:
            found.append(Ambiguous("start_line"))
        named = [target] if method == b"CONNECT" or target.find(b"://", 0, 64) >= 0 else []
        host_facts(facts, [*named, *values(fields, b"host")])
        first = dict(reversed(fields))
        _add_facts(facts, first, _REQUEST_FACTS)
        if suspicious:
            facts["ambiguous_length"] = True
        if suspicious or (length == -1 and version.upper() == b"HTTP/1.0"):  # older servers know no chunks
            found.append(Ambiguous("length"))
        kind = _PLAIN if version else _SIMPLE
        if method == b"HEAD":
            kind = _HEAD
        elif method == b"CONNECT":
            kind = _CONNECT
        elif b"upgrade" in first:
            kind = _UPGRADE
        if kind in _MAY_HAND_OVER:
            self._marks = (*self._marks, len(self._tail))
            self._body_mark = kind == _UPGRADE and bool(length)
        if kind == _PLAIN and len(self._pending) >= _MOST_KINDS:
            self._plain_behind += 1
        else:
            self._count_each(min(self._plain_behind, _MOST_PENDING))
            self._pending += bytes((kind,))
        kept = len(self._open) < _MOST_OPEN and len(self._open) == len(self._pending) - 1
        if kept:
            self._open = (*self._open, facts)
        found.append(Transaction(self.number, facts, not kept, "ambiguous_length" if suspicious else ""))
        self.number += 1

    def _keep_tail(self, data: bytes) -> None:
        if len(self._tail) + len(data) > _MOST_HELD or len(self._marks) > _MOST_OPEN:
            self._tail_full = True
        if not self._tail_full:
            self._tail += data

    def _contradict(self, client: bytes, unread: bytes, found: list[Found]) -> None:
        """What the client sends is no HTTP. Behind CONNECT or Upgrade the response will say what it is."""
        if self._marks:
            self._lost = True
            found.append(Ambiguous("early_bytes", hides_inner=True))
            self._keep_tail(unread)
            return
        found.append(self._over_to(client, self._held, inside=False))

    def _end_upgrade_body(self, behind: bytes, found: list[Found]) -> None:
        """A request that may upgrade is whole: what is carried begins here, at once where the server has agreed."""
        self._body_mark = False
        if self._switched is not None:
            found.append(self._over_to(behind, self._switched, inside=True))
        elif self._marks:
            self._marks = (*self._marks[:-1], len(self._tail))

    def _over_to(self, client: bytes, server: bytes, inside: bool) -> HandOver:
        return HandOver(server, client, inside) if self._turned else HandOver(client, server, inside)

    def _carry(self, reader: MessageReader, found: list[Found]) -> None:
        """Give what was read of a body."""
        offset, data = reader.take_body()
        if data:
            to_server = (reader is self._asked) != self._turned
            found.append(Carried(BODY, to_server, data, offset, reader.codings))

    # --- responses ------------------------------------------------------------------------------------------------

    def _hold(self, data: bytes) -> None:
        self._held += data[: _MOST_HELD - len(self._held)]

    def _read_responses(self, data: bytes, found: list[Found]) -> None:
        reader = self._answered
        at = 0
        if self._switched is not None:
            self._switched = (self._switched + data)[:_MOST_HELD]
            return
        while at < len(data):
            if not self._pending and reader.state == START:
                self._hold(data[at:])
                return
            if reader.state == START and self._pending[0] == _SIMPLE:
                reader.begin_body(-2)
                self._answer({}, found)
            head = reader.plain_head(data, at)
            status = -1 if head is None else plain_status(head[0])
            if head is None or status < 0:
                at, event = reader.read(data, at)
            else:
                reader.take_plain(head[0], head[1])
                at, event = head[2], HEAD
            if reader.keep_body:
                self._carry(reader, found)
            if reader.broken or (event == START_LINE and not _status(reader.start)):
                reader.broken = False
                reader.begin_body(-2)  # what it says is not known; what the client says is read on
                return
            if event == HEAD:
                if status < 0:
                    line = _status(reader.start)
                    assert line is not None  # it was looked at when the line came
                    status = int(line[2])
                is_asked = self.asked != frozenset() or reader.keep_body
                ends = not is_asked and _ends_connection(reader.start, reader.fields)
                if self._response(status, reader.fields, data[at:], found):
                    return
                if ends and status >= 200 and not self._pending and not self._plain_behind and not self._lost:
                    self.over = True
                    return

    def _response(self, status: int, fields: Fields, behind: bytes, found: list[Found]) -> bool:
        """Take a response's head; True when another protocol begins behind it."""
        kind = self._pending[0]
        self.confirmed = True
        if status < 200 and status != 101:
            self._answered.begin_body(0)
            return False
        facts: dict[str, Any] = {"status": status}
        _add_facts(facts, dict(reversed(fields)), _RESPONSE_FACTS)
        length, suspicious = body_length(fields)
        if suspicious:
            facts["ambiguous_length"] = True
        self._answer(facts, found)
        mark = -1
        if kind in _MAY_HAND_OVER:
            mark, self._marks = self._marks[0], self._marks[1:]
        if status == 101 or (kind == _CONNECT and 200 <= status < 300):
            if status == 101 and self._body_mark and not self._marks:
                self._switched = behind[:_MOST_HELD]
                return True
            if self._tail_full:
                found.append(Ambiguous("early_bytes", hides_inner=True))
            client = self._tail[mark:] if mark >= 0 and not self._tail_full else b""
            found.append(self._over_to(client, behind, inside=True))
            return True
        if kind == _HEAD or status in (204, 304):
            self._answered.begin_body(0)
        else:
            self._answered.begin_body(-2 if length is None else length)
        if not self._marks:
            tail, self._tail = self._tail, b""
            if self._lost:
                found.append(self._over_to(b"" if self._tail_full else tail, behind, inside=False))
                return True
            self._tail_full = False
        return False

    def _answer(self, facts: dict[str, Any], found: list[Found]) -> None:
        """The oldest request has its response."""
        asked = self._open[0] if self._open else None
        if self._open:
            self._open = self._open[1:]
        if asked is not None:
            found.append(Transaction(self._first, {**asked, **facts}, True))
        self._first += 1
        self._pending = self._pending[1:]
        if not self._pending:
            self._count_each(min(self._plain_behind, _MOST_KINDS))

    def _count_each(self, number: int) -> None:
        """Give so many of the requests that were only counted their kind."""
        if number:
            self._pending += bytes((_PLAIN,)) * number
            self._plain_behind -= number


def _split_request(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return method, target and version of a request line; the version is empty in HTTP/0.9. None for another line."""
    method, blank, rest = line.replace(b"\t", b" ").lstrip(b" ").partition(b" ")
    if not blank or _method(method) is None:
        return None
    target, blank, version = rest.strip(b" ").rpartition(b" ")
    if blank and _version(version):
        return method, target.strip(b" "), version
    if method == b"GET" and not blank and version[:1] == b"/":
        return method, version, b""
    return (method, rest, b"HTTP/1.1") if len(line) >= LONGEST_LINE else None


def _split_odd_request(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return the same of a line that only some servers take: with other blanks, or another version or none."""
    found = _odd_method(line)
    if found is None:
        return None
    named = line.upper()
    at = max(named.rfind(b"HTTP/"), named.rfind(b"HTTPS/"))
    if at > found.end() and line[at - 1] in BLANKS:
        return found[1], cut(line, found.end(), at).strip(BLANKS), line[at:]
    target = line[found.end() :].strip(BLANKS)
    return (found[1], target, b"HTTP/0.9") if begins_target(target) else None


def _ends_connection(start: bytes, fields: Fields) -> bool:
    """Return True where a response says that it is the last one: neither side reads another message behind it (RFC 9112
    sections 9.3 and 9.6). ``Proxy-Connection``, which not everybody heeds, says nothing for certain.
    """
    said = [field for field in fields if field[0] in _PERSISTENCE]
    if len(said) == 1:
        return said[0][0] == b"connection" and said[0][1].lower() == b"close"
    return not said and start.startswith(b"HTTP/1.0 ")


def _is_plain_host(value: bytes) -> bool:
    """Return True for a name or an IPv4 address alone, of which ``_authority`` and :func:`text` would leave all."""
    letters = value.replace(b".", b"").replace(b"-", b"")
    return letters.isalnum() and value[-1:].isalnum() and len(value) <= FACT_LENGTH


def _add_facts(facts: dict[str, Any], first: dict[bytes, bytes], wanted: tuple[tuple[bytes, str], ...]) -> None:
    """Add the wanted facts; ``first`` has the first value of each field."""
    for name, fact in wanted:
        given = first.get(name)
        if given is not None:
            facts[fact] = text(given)


def host_facts(facts: dict[str, Any], given: list[bytes]) -> None:
    """Add every host that the request names: what a proxy or a server makes of several differs."""
    if len(given) == 1 and _is_plain_host(given[0]):
        facts["hostname"] = given[0].decode().lower()
        return
    hosts: list[str] = []
    for value in given[:4]:
        found = _authority(value)
        if found is None or not found[1]:
            continue
        host = text(found[1]).rstrip(".").lower()
        if host not in hosts:
            hosts.append(host)
        if found[2] and "http_port" not in facts:
            facts["http_port"] = int(found[2])
    if hosts:
        facts["hostname"] = hosts[0] if len(hosts) == 1 else hosts


def follow(flow: Flow) -> HttpTransactions:
    """Return the parser of a flow that was detected as HTTP."""
    return HttpTransactions(turned=_status(flow.client) is not None and _status(flow.server) is None)
