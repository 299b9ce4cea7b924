"""HTTP/0.9 to HTTP/1.1, by a request line or a status line, in either direction.

:checked: ``method target HTTP/x.y`` where the target is a path, a URL, ``*``, or the method is a registered one and the
    target one word; ``GET /path`` and an empty line, or answered by markup (HTTP/0.9); or ``HTTP/x.y nnn`` (``ICY
    nnn``). A line that only begins with a registered method, also without a space, waits for the other side's status
    line
:source: RFC 9112 sections 2.2, 3, 4; RFC 1945 section 5; RFC 9110 sections 9, 15.2.2 (101), 9.3.6 (CONNECT)
:minimum: 7 bytes of a request, 12 of a response
:facts: http_method, hostname, http_port, url, path, protocol, http_user_agent, http_refer, status, http_content_type,
    content_encoding, upgrade, redirect, ambiguous_length
"""

from __future__ import annotations

import re
from base64 import b64encode
from enum import Enum
from functools import partial
from hashlib import sha1
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.http_head import METHODS, Fields, read_head
from ..parsing.wire import cut, text
from ..transactions.http import BLANKS, ODD_BLANKS, begins_target, follow
from ..transactions.http_path import normal_path

api_version = 1
protocols = ("http",)
transport = "tcp"
tier = "exact"
speaks_first = "client"
first_client = b"\t\r\n !#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
first_server = None

_LONGEST_METHOD: Final = 32
#: bytes of empty lines that make a request of what may follow
_BLANKS: Final = 512
#: registered methods that are commands of Redis
_ALSO_REDIS: Final = frozenset({b"GET", b"SUBSCRIBE"})
#: bytes of the line behind that of a request which is none, where a field's name would stand
_LONGEST_FIELD: Final = 256
#: Responses 1xx before the final one.
_MOST_INTERIM: Final = 8
_WEBSOCKET: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_REQUEST_HEADERS: Final = {b"host": "hostname", b"user-agent": "http_user_agent", b"referer": "http_refer"}
_RESPONSE_HEADERS: Final = {
    b"content-type": "http_content_type",
    b"content-encoding": "content_encoding",
    b"upgrade": "upgrade",
}
_PLAIN_BEGINS: Final = b"GPHDOC"
#: What nearly all requests and responses begin with; the rest is looked at closer.
_plain = re.compile(
    rb"(?:(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|CONNECT) /[!-~]*|OPTIONS \*) HTTP/1\.[01]\r?\n"
    rb"|(HTTP/1\.[01] \d{3})[ \r\n]"
).match
_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]*").match
_version = re.compile(rb"[ \t]HTTP/\d(?:\.\d|(?=[ \t\r]*\Z))", re.IGNORECASE).search
#: what only some servers take: another version, white space that is no blank nor the end of a line
_odd_version = re.compile(rb"[%s]HTTPS?/" % BLANKS, re.IGNORECASE).search
_odd_blank = re.compile(rb"(?!\r(?:\n|\Z))[%s]" % ODD_BLANKS).match
_field = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}[ \t]*:").match
_other_version = re.compile(rb"[ \t](?!HTTP)[A-Z]+/\d\.\d[ \t\r]*\Z").search
_authority = re.compile(rb"[^\s/]+:\d+\s").match
_status_line = re.compile(rb"(?:(HTTP/\d(?:\.\d)?)|ICY)[ \t]+(\d{3})(?=[ \t\r\n])").match
_status_line_begins = re.compile(
    rb"(?:I(?:C(?:Y(?:[ \t]+\d{0,3})?)?)?|H(?:T(?:T(?:P(?:/(?:\d(?:\.(?:\d)?)?(?:[ \t]+\d{0,3})?)?)?)?)?)?)\Z"
).match
_page = re.compile(rb"<[!A-Za-z]").match
_control = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f]").search


class _Kind(Enum):
    """What one direction begins with, where it is neither too little nor something else."""

    REQUEST = "request"
    RESPONSE = "response"
    ATTEMPT = "a line that begins with a registered method or has a path"
    LINE = "GET /path with nothing behind it yet"
    SIMPLE = "GET /path and an empty line"
    BARE = "GET /path with something else behind it"
    PAGE = "what may answer GET /path"


_REQUEST: Final = _Kind.REQUEST
_RESPONSE: Final = _Kind.RESPONSE
_ATTEMPT: Final = _Kind.ATTEMPT
_LINE: Final = _Kind.LINE
_SIMPLE: Final = _Kind.SIMPLE
_BARE: Final = _Kind.BARE
_PAGE: Final = _Kind.PAGE


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect HTTP."""
    by_client = _look(client)
    by_server = _look(server)
    if (by_server is MORE or by_server is NO) and (by_client is MORE or by_client is NO):
        return by_client
    if not server and by_client is _ATTEMPT and _goes_on_otherwise(client):
        return NO
    if by_server is _PAGE and by_client in (_LINE, _SIMPLE, _BARE):
        facts: dict[str, Any] = {}
        _request(facts, client[: client.index(b"\n", client.index(b"/"))])
        return Match("http", facts, confirmed=False)  # any text may follow
    if by_client in (_LINE, _SIMPLE, _BARE) and by_server in (MORE, NO):  # HTTP/0.9: a server acts on the line alone
        return Match("http", {}, confirmed=False, done=False, describe=partial(_describe, client, b""))
    by_client, by_server = _without_page(by_client), _without_page(by_server)
    turned = by_client is _RESPONSE or (by_server is _REQUEST and by_client is not _REQUEST)
    asked, answered = (by_server, by_client) if turned else (by_client, by_server)
    if asked is not _REQUEST and answered is not _RESPONSE:
        if by_client is NO or (by_client is _ATTEMPT and by_server in (NO, _ATTEMPT)):
            return NO
        return MORE
    request, response = (server, client) if turned else (client, server)
    if asked is MORE or answered is MORE:  # one side alone proves nothing, whatever it says
        describe = partial(_describe, request if asked is _REQUEST else b"", response if asked is not _REQUEST else b"")
        return Match("http", {}, confirmed=False, done=False, describe=describe)
    facts = {}
    nothing: Fields = {}, False
    request_fields, request_end = _request(facts, request) if asked is _REQUEST else (nothing, 0)
    response_fields, response_end = _response(facts, response) if answered is _RESPONSE else (nothing, 0)
    confirmed = bool(
        request_end and response_end and _is_proved(facts, request_fields, response_fields, request[request_end:])
    )
    if request_end and response_end and _tunnels(facts):
        restart = (response_end, request_end) if turned else (request_end, response_end)
        return Match("http", facts, restart=restart)
    complete = request_end > 0 and (response_end > 0 or answered is NO)
    return Match("http", facts, confirmed, done=complete or (asked is NO and response_end > 0))


def _goes_on_otherwise(client: bytes) -> bool:
    """Return whether a line without a version that Redis has as well comes before another one that is no field."""
    method = client.lstrip(b"\r\n \t")[: _LONGEST_METHOD + 1].split(None, 1)[0]
    first = client.find(b"\n", len(client) - len(client.lstrip(b"\r\n \t")))
    behind, ended, _ = cut(client, first + 1, first + 1 + _LONGEST_FIELD).partition(b"\n")
    says_more = bool(ended) and bool(behind.strip()) and b":" not in behind
    return says_more and (method in _ALSO_REDIS or method not in METHODS)


def _without_page(said: _Kind | Answer) -> _Kind | Answer:
    """Return what a direction's bytes are where the other's are not HTTP/0.9's."""
    if said is _LINE:
        return MORE
    if said is _SIMPLE:
        return _REQUEST
    return _ATTEMPT if said is _BARE else NO if said is _PAGE else said


def _describe(request: bytes, response: bytes) -> dict[str, Any]:
    """Return the facts of what one side has said alone."""
    facts: dict[str, Any] = {}
    if request:
        _request(facts, request)
    else:
        _response(facts, response)
    return facts


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow every request of the connection."""
    return follow(flow)


def _look(data: bytes) -> _Kind | Answer:
    """Return what one direction's first bytes are."""
    if not data:
        return MORE
    if data[0] in _PLAIN_BEGINS and (plain := _plain(data)):
        return _RESPONSE if plain[1] else _REQUEST
    return _look_closely(data)


def _look_closely(data: bytes) -> _Kind | Answer:
    """Return the same of bytes that may be anything."""
    at = len(data) - len(data.lstrip(b"\r\n \t"))  # RFC 9112 section 2.2: ignored
    if at == len(data) >= _BLANKS:
        return _REQUEST  # nothing else begins so, and servers wait on
    if data[at : at + 1] in (b"H", b"I"):
        if _status_line(data, at):
            return _RESPONSE
        if _status_line_begins(data, at):
            return MORE
    token = _token(data, at, at + _LONGEST_METHOD + 1)
    end = token.end() if token else at
    if end == len(data):
        return MORE if end - at <= _LONGEST_METHOD else NO
    if end == at and _page(data, at):
        return _PAGE
    method = cut(data, at, end)
    odd = _odd_blank(data, end) is not None and method in METHODS
    if not odd and _lacks_spaces(method, data[end : end + 1]):
        return _ATTEMPT
    if end == at or not (odd or data[end : end + 1] in (b" ", b"\t")):
        return MORE if data[at:] == b"<" or (method in METHODS and data[end:] == b"\r") else NO
    return _look_request_line(method, data, end)


def _lacks_spaces(word: bytes, behind: bytes) -> bool:
    """Return whether a line is a request but for its spaces, which servers refuse with a status: ``GET/ HTTP/1.1``."""
    if behind == b"/":
        return word in METHODS or (word.endswith(b"HTTP") and word[:-4] in METHODS)
    return behind in (b"\r", b"\n") and word in METHODS and word not in _ALSO_REDIS


def _look_request_line(method: bytes, data: bytes, space: int) -> _Kind | Answer:
    """Grade the line whose method ends at ``space``."""
    end = data.find(b"\n", space)
    line = cut(data, space, end if end >= 0 else len(data))
    target = line.lstrip(BLANKS)
    registered = method in METHODS
    if not registered and _control(line):
        return NO
    if end < 0:
        return MORE
    if method == b"PRI":  # HTTP/2's connection preface, RFC 9113 section 3.4
        return NO
    one_word = len(target.split()) <= 2
    if _version(line):
        return _REQUEST if one_word or begins_target(target) or (method == b"CONNECT" and _authority(target)) else NO
    if registered and _odd_version(line):
        return _REQUEST
    if method == b"GET" and target[:1] == b"/" and len(target.split()) == 1:  # HTTP/0.9
        after = data[end + 1 : end + 3].removeprefix(b"\r")
        return _SIMPLE if after[:1] == b"\n" else _BARE if after else _LINE
    if not (registered or target[:1] == b"/") or _other_version(line):
        return NO
    return _REQUEST if one_word and begins_target(target) and _field(data, end + 1) else _ATTEMPT  # without a version


def _tunnels(facts: dict[str, Any]) -> bool:
    """CONNECT succeeded: what follows is another protocol."""
    return bool(facts["http_method"] == "CONNECT" and 200 <= facts["status"] < 300)


def _is_proved(facts: dict[str, Any], asked: Fields, answered: Fields, behind: bytes) -> bool:
    """Both heads hold, an upgrade is WebSocket's with the right key (RFC 6455 section 4.2.2), and ``behind`` a request
    without a body is at most another request."""
    fields, sound = asked
    replied, answer_sound = answered
    if not sound or not answer_sound:
        return False
    if facts["status"] == 101:
        accept = b64encode(sha1(fields.get(b"sec-websocket-key", b"") + _WEBSOCKET, usedforsecurity=False).digest())
        return replied.get(b"sec-websocket-accept") == accept
    bodyless = fields.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in fields
    behind = behind.lstrip(b"\r\n")
    if not bodyless or not behind:
        return True
    method = behind[:_LONGEST_METHOD].split(b" ", 1)[0]
    whole = len(method) < min(len(behind), _LONGEST_METHOD)
    return method in METHODS if whole else any(known.startswith(method) for known in METHODS)


def _request(facts: dict[str, Any], data: bytes) -> tuple[Fields, int]:
    """Add the facts of the first request; its fields, and the offset after its head, 0 while that is not all there."""
    at = len(data) - len(data.lstrip(b"\r\n\t "))
    end = data.find(b"\n", at)
    line = cut(data, at, end if end >= 0 else len(data))
    method = b"".join(line.split(None, 1)[:1])
    found = _version(line)
    facts["http_method"] = text(method)
    target = cut(line, len(method), found.start() if found else len(line)).strip()
    facts["url"], facts["path"] = text(target), text(normal_path(target))
    facts["protocol"] = text(found[0].strip()) if found else "HTTP/0.9"
    return _headers(facts, data, _REQUEST_HEADERS, at)


def _response(facts: dict[str, Any], data: bytes) -> tuple[Fields, int]:
    """Add the facts of the first final response; its fields, and the offset after its head, 0 while it is cut."""
    at = 0
    fields: Fields = {}, False
    for _ in range(_MOST_INTERIM):
        status = _status_line(data, at)
        if status is None:
            return fields, 0
        facts["status"] = int(status[2])
        facts.setdefault("protocol", text(status[1] or b"ICY"))
        fields, end = _headers(facts, data, _RESPONSE_HEADERS, at)
        if not end or status[2][0] != ord("1") or status[2] == b"101":
            return fields, end
        at = end
    return fields, 0


def _headers(facts: dict[str, Any], data: bytes, wanted: dict[bytes, str], at: int) -> tuple[Fields, int]:
    """Add the wanted fields of the message at ``at``; all fields, and the offset after the head, 0 while it is cut."""
    fields, end = read_head(data, at)
    for name, fact in wanted.items():
        if name in fields[0] and fact not in facts:
            facts[fact] = text(fields[0][name])
    return fields, end
