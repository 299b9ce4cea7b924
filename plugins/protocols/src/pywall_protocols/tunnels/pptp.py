"""Point-to-Point Tunneling Protocol, control connection.

:checked: length, message type 1, the magic cookie, a control message type
:source: RFC 2637 section 2
:minimum: 12 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import u16

api_version = 1
protocols = ("pptp",)
transport = "tcp"
tier = "exact"
first_client = b"\0"
first_server = b"\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PPTP."""
    return client_first("pptp", _side(client), _side(server), proved=client[8:10] != server[8:10])


def _side(data: bytes) -> Evidence:
    if not b"\x00\x01\x1a\x2b\x3c\x4d".startswith(data[2:8]):
        return NO
    if len(data) < 12:
        return MORE
    return YES if 16 <= u16(data, 0) <= 220 and 1 <= u16(data, 8) <= 15 and not any(data[10:12]) else NO
