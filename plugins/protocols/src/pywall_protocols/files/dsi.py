"""Apple Filing Protocol over the Data Stream Interface.

:checked: a request and the reply with its identifier and command, lengths and the reserved bytes; opening a session
    with its option
:source: Apple Filing Protocol Programming Guide, DSI packet header
:minimum: 16 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import u32

api_version = 1
protocols = ("dsi",)
transport = "tcp"
tier = "structural"
first_client = b"\0"
first_server = b"\1\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DSI."""
    if not _header(client) or not _header(server):
        return NO
    if len(client) < 16 or len(server) < 16:
        return MORE
    if client[0] != 0:
        return NO
    if server[0] == 1 and client[1:4] == server[1:4]:
        return Match("dsi")
    return NO


def _header(data: bytes) -> bool:
    """Nothing in the sixteen bytes, as far as they are there, is wrong."""
    if data[:1] > b"\1" or (len(data) > 1 and data[1] not in (1, 2, 3, 4, 5, 6, 8)) or any(data[12:16]):
        return False
    return len(data) < 12 or u32(data, 8) <= 1 << 24
