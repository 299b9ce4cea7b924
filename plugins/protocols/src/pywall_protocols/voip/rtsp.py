"""Real Time Streaming Protocol; announces the RTP ports that the server has accepted.

:checked: a request line with a method and ``RTSP/1.0`` or ``2.0``, or a status line
:source: RFC 2326 sections 6.1, 7.1 and 12.39, RFC 7826
:minimum: the first line, or ``RTSP/1.0`` and a status code
:facts: method, uri, code
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.dialogue import has_fields, head_of
from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import LF, text, u16

api_version = 1
protocols = ("rtsp",)
transport = "tcp"
tier = "exact"
announces = ("rtp",)
first_client = b"ODASPTGRF"
first_server = b"RASOG"

_REQUEST: Final = re.compile(
    rb"(OPTIONS|DESCRIBE|ANNOUNCE|SETUP|PLAY|PAUSE|TEARDOWN|GET_PARAMETER|SET_PARAMETER|REDIRECT|RECORD"
    rb"|PLAY_NOTIFY) (rtsp[su]?:[^\s]{0,2048}|\*|/[^\s]{0,2048}) RTSP/[12]\.0\r?\n"
)
_STATUS: Final = re.compile(rb"RTSP/[12]\.0 ([1-5]\d\d)")
_METHODS: Final = frozenset(
    b"OPTIONS DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER "
    b"REDIRECT RECORD PLAY_NOTIFY".split()
)
_TRANSPORT: Final = re.compile(rb"\nTransport:([^\r\n]{0,1024})", re.I)
_PORT: Final = re.compile(rb";(client|server)_port=(\d{1,5})(?!\d)", re.I)
_LENGTH: Final = re.compile(rb"\nContent-Length:[ \t]*(\d{1,8})\r?\n", re.I)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RTSP."""
    requests = _REQUEST.match(client) is not None and _REQUEST.match(server) is not None
    proved = has_fields(client) and has_fields(server) and not (requests and is_copy(head_of(client), head_of(server)))
    answer = client_first("rtsp", _side(client), _side(server), _describe, client, server, proved=proved)
    if isinstance(answer, Match) and answer.confirmed:
        _announce(flow, client, server)
    return answer


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    if request := _REQUEST.match(client):
        facts = {"method": text(request[1]), "uri": text(request[2])}
    if status := _STATUS.match(server):
        facts["code"] = int(status[1])
    return Description(facts, done=False)


def _announce(flow: Flow, client: bytes, server: bytes) -> None:
    """Expect each RTP stream of the server's replies to SETUP once: at the server's port, and at the client's where the
    client has asked for it. A body, or media between the messages, is not read."""
    ext = flow.ext = flow.ext or {}
    at = ext.get("rtsp", 0)
    while True:
        head = -1
        if server[at : at + 1] == b"$":  # interleaved media: channel, length (RFC 2326 section 10.12)
            end = at + 4 + u16(server, at + 2) if len(server) >= at + 4 else len(server) + 1
        else:
            head = server.find(b"\r\n\r\n", at)
            length = _LENGTH.search(server, at, head + 2) if head > 0 else None
            end = head + 4 + (int(length[1]) if length else 0) if head > 0 else len(server) + 1
        if end > len(server):
            return
        status = _STATUS.match(server, at)
        found = _TRANSPORT.search(server, at, head + 2) if status and status[1] == b"200" else None
        for side, port in _PORT.findall(found[1]) if found else ():
            if side.lower() == b"server":
                flow.expect("rtp", proto=UDP, dst=flow.dst, dport=int(port))
            elif b";client_port=" + port in client:
                flow.expect("rtp", proto=UDP, dst=flow.src, dport=int(port))
        ext["rtsp"] = at = end


def _side(data: bytes) -> Evidence:
    if not data:
        return MORE
    if _STATUS.match(data) or _REQUEST.match(data):
        return YES
    if len(data) > 2200 or LF in data:
        return NO
    method, blank, rest = data.partition(b" ")
    if blank:
        return (
            MORE
            if (method in _METHODS and (b"rtsp"[: len(rest)] == rest[:4].lower() or rest[:1] in b"*/"))
            or method.startswith(b"RTSP/")
            else NO
        )
    return MORE if any(word.startswith(method) for word in (*_METHODS, b"RTSP/1.0", b"RTSP/2.0")) else NO
