"""AJP 1.3, between a web server and a servlet container.

:checked: the magic of each direction, a length and a kind of message
:source: Apache Tomcat Connectors, AJP Protocol Reference
:minimum: 5 bytes of the client
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import starts, u16

api_version = 1
protocols = ("ajp",)
transport = "tcp"
tier = "exact"
first_client = b"\x12"
first_server = b"A"

_TO_CONTAINER: Final = b"\x12\x34"
_TO_SERVER: Final = b"AB"
_LONGEST: Final = 65531
_HEADER: Final = 5
#: forward request, shutdown, ping, CPing
_REQUESTS: Final = b"\2\7\x08\x0a"
#: body chunk, headers, end of the response, get body chunk, CPong
_RESPONSES: Final = b"\3\4\5\6\x09"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect AJP."""
    return by_request("ajp", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    result = _message(data, _TO_CONTAINER, _REQUESTS)
    return {} if result is YES else result


def _answers(request: bytes, response: bytes) -> Answer:
    return _message(response, _TO_SERVER, _RESPONSES)


def _message(data: bytes, magic: bytes, kinds: bytes) -> Answer:
    if len(data) < _HEADER:
        return NO if starts(data[:2], magic) is NO else MORE
    fits = data[:2] == magic and 0 < u16(data, 2) <= _LONGEST and data[4] in kinds
    return YES if fits else NO
