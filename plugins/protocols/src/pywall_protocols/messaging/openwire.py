"""OpenWire of Apache ActiveMQ, by the WireFormatInfo of both sides.

:checked: length, command 1 and the magic ``ActiveMQ``
:source: Apache ActiveMQ, OpenWire Version 2 Specification
:minimum: 13 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import Answer, Flow, Match, hookimpl

from ..parsing.evidence import REFUTED, Grade, by_client, magic

api_version = 1
protocols = ("openwire",)
transport = "tcp"
tier = "exact"
first_client = b"\0"
first_server = b"\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OpenWire."""
    return by_client("openwire", _side(client), _side(server))


def _side(data: bytes) -> Grade:
    return magic(data[4:], b"\x01ActiveMQ") if not any(data[:2]) else REFUTED
