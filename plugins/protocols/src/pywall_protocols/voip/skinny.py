"""Skinny Client Control Protocol (SCCP) of Cisco telephones, by chained messages.

:checked: little-endian length, header version and message id of the client's and the server's messages; a
    registration with the device's name
:source: Cisco's SCCP as Wireshark's documentation describes it; Cisco publishes no specification
:minimum: 12 bytes of each side, or a registration
:facts: device
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import text

api_version = 1
protocols = ("skinny",)
transport = "tcp"
tier = "structural"
first_client = None
first_server = None

_VERSIONS: Final = frozenset({0, *range(0x0A, 0x19)})
_DEVICE: Final = re.compile(rb"[A-Z][A-Za-z0-9_-]{2,15}\0")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SCCP."""
    answer = client_first("skinny", _side(client, True), _side(server, False), _describe, client, server)
    if answer is NO and flow.midstream:  # whoever speaks first there is taken for the client
        return client_first("skinny", _side(client, False), _side(server, True))
    return answer


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    if client[8:12] == b"\1\0\0\0" and len(client) >= 28:
        facts["device"] = text(client[12:28].split(b"\0", 1)[0])
    return Description(facts, done=len(client) >= 28 or not client)


def _side(data: bytes, to_server: bool) -> Evidence:
    if data[2:4] not in (b"", b"\0", b"\0\0"):
        return NO
    if len(data) < 12:
        return MORE if not any(data[5:8]) and not any(data[10:12]) else NO
    size, version, kind = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8))
    if not 4 <= size <= 2000 or version not in _VERSIONS or not (kind <= 0x60 if to_server else 0x81 <= kind <= 0x163):
        return NO
    if not to_server or kind != 1:
        return HINT if size % 4 == 0 else NO
    if len(data) < 28:
        return MORE
    return YES if _DEVICE.match(data[12:28]) else NO
