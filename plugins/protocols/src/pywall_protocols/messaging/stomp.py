"""Simple Text Oriented Messaging Protocol, by the CONNECT or STOMP frame and CONNECTED.

:checked: the command line and a header of the protocol, or the NUL that ends the frame
:source: STOMP 1.2, section Connecting
:minimum: the command and one header
:facts: host, login
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import LF, text

api_version = 1
protocols = ("stomp",)
transport = "tcp"
tier = "exact"
first_client = b"CS\r\n"
first_server = b"CE\r\n"

_FRAME: Final = re.compile(
    rb"\s*(?:CONNECT|STOMP|CONNECTED|ERROR)\r?\n(?:(?:accept-version|host|login|passcode|heart-beat|version"
    rb"|session|server|message|client-id|user-id|content-type|content-length|request-id):[^\n]*\n|\r?\n\0)"
)
_BEGIN: Final = (
    b"CONNECT\n",
    b"STOMP\n",
    b"CONNECTED\n",
    b"ERROR\n",
    b"CONNECT\r\n",
    b"STOMP\r\n",
    b"CONNECTED\r\n",
    b"ERROR\r\n",
)
_HEADER: Final = re.compile(rb"^(host|login):([^\r\n]*)", re.M)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect STOMP."""
    return client_first("stomp", _side(client), _side(server), _describe, client, server)


def _describe(client: bytes, server: bytes) -> Description:
    end = client.find(0, 0, 2048)
    facts: dict[str, Any] = (
        {name.decode(): text(value) for name, value in _HEADER.findall(client[:end])} if end > 0 else {}
    )
    return Description(facts, done=end > 0)


def _side(data: bytes) -> Evidence:
    if _FRAME.match(data):
        return YES
    frame = data.lstrip()
    if len(data) > 256:
        return NO
    for begin in _BEGIN:
        if begin.startswith(frame) or (frame.startswith(begin) and LF not in frame[len(begin) :].lstrip(b"\r\n")):
            return MORE
    return NO
