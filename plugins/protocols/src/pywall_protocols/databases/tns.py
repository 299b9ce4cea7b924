"""Oracle Net (Transparent Network Substrate), by the connect packet and its answer.

:checked: client: length, zero checksums, type connect, version 290 to 330 not below the compatible one, place of the
    connect data; server: accept, refuse, redirect or resend with zero checksums
:source: Oracle Net as Wireshark's and Zeek's documentation describe it; Oracle publishes no specification
:minimum: 28 bytes of the client or 12 of the server
:facts: connect_data
"""

from __future__ import annotations

from typing import Any

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import cut, text, u16

api_version = 1
protocols = ("tns",)
transport = "tcp"
tier = "structural"
first_client = bytes(range(0x20))
first_server = bytes(range(0x20))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Oracle Net."""
    return client_first("tns", _client(client), _server(server), _describe, client, server)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    size = u16(client, 0) if len(client) > 1 else 0
    whole = len(client) > 28 and len(client) >= size
    if whole:
        at = u16(client, 26)
        if 0 < at < size:
            facts["connect_data"] = text(cut(client, at, size))
    return Description(facts, done=whole)


def _header(data: bytes, types: bytes) -> bool:
    """Nothing in the eight bytes of the header, as far as they are there, is wrong."""
    if len(data) >= 2 and u16(data, 0) < 8:
        return False
    return not any(data[2:4]) and data[4:5] in types and not any(data[6:8])


def _client(data: bytes) -> Evidence:
    if not _header(data, b"\x01"):
        return NO
    if len(data) < 28:
        return MORE
    version, compatible, offset = u16(data, 8), u16(data, 10), u16(data, 26)
    fits = 290 <= version <= 330 and 200 <= compatible <= version and 26 <= offset <= 512
    return YES if fits else NO


def _server(data: bytes) -> Evidence:
    if not _header(data, b"\x02\x04\x05\x0b"):
        return NO
    if len(data) < 12:
        if len(data) == 8 == u16(data, 0) and data[4] == 11:
            return HINT
        return MORE
    if data[4] == 2:
        return YES if 290 <= u16(data, 8) <= 330 else NO
    return HINT
