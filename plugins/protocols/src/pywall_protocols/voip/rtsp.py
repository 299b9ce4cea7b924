"""Real Time Streaming Protocol; announces the RTP ports that it agrees on.

:checked: a request line with a method and ``RTSP/1.0`` or ``2.0``, or a status line
:source: RFC 2326 sections 6.1, 7.1 and 12.39, RFC 7826
:minimum: the first line, or ``RTSP/1.0`` and a status code
:facts: method, uri, code
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import OPEN, PROOF, REFUTED, Grade, by_client
from ..parsing.wire import text

api_version = 1
protocols = ("rtsp",)
transport = "tcp"
tier = "exact"
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
_PORTS: Final = re.compile(
    rb"\nTransport:[^\r\n]{0,400}?(client"
    rb"|server)_port=(\d{1,5})(?:-\d{1,5})?(?:[^\r\n]{0,400}?(server)_port=(\d{1,5}))?",
    re.I,
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise RTSP."""
    answer = by_client("rtsp", _side(client), _side(server))
    if answer is MORE or answer is NO:
        return answer
    assert isinstance(answer, Match)
    facts: dict[str, Any] = {}
    if request := _REQUEST.match(client):
        facts = {"method": text(request[1]), "uri": text(request[2])}
    if status := _STATUS.match(server):
        facts["code"] = int(status[1])
    ext = flow.ext = flow.ext or {}
    for found in _PORTS.finditer(server, ext.get("rtsp", 0)):
        ext["rtsp"] = found.end()
        for end, port in ((found[1], found[2]), (found[3], found[4])):
            if end and 0 < int(port) < 65536:
                address = flow.src if end.lower() == b"client" else flow.dst
                flow.expect("rtp", proto=UDP, dst=address, dport=int(port))
    return Match("rtsp", facts, answer.confirmed, done=False)


def _side(data: bytes) -> Grade:
    if not data:
        return OPEN
    if _STATUS.match(data) or _REQUEST.match(data):
        return PROOF
    if len(data) > 2200 or b"\n" in data:
        return REFUTED
    method, blank, rest = data.partition(b" ")
    if blank:
        return (
            OPEN
            if (method in _METHODS and (b"rtsp"[: len(rest)] == rest[:4].lower() or rest[:1] in b"*/"))
            or method.startswith(b"RTSP/")
            else REFUTED
        )
    return OPEN if any(word.startswith(method) for word in (*_METHODS, b"RTSP/1.0", b"RTSP/2.0")) else REFUTED
