"""OpenWire of Apache ActiveMQ, by the WireFormatInfo of both sides.

:checked: length, command 1 and the magic ``ActiveMQ``
:source: Apache ActiveMQ, OpenWire Version 2 Specification
:minimum: 13 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import starts

api_version = 1
protocols = ("openwire",)
transport = "tcp"
tier = "exact"
first_client = b"\0"
first_server = b"\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OpenWire."""
    return client_first("openwire", _side(client), _side(server))


def _side(data: bytes) -> Evidence:
    return starts(data[4:], b"\x01ActiveMQ") if not any(data[:2]) else NO
