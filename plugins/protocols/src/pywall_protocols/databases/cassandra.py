"""Apache Cassandra's native protocol (CQL), by the first frames.

:checked: request version 1 to 5, flags, opcode OPTIONS without body or STARTUP with ``CQL_VERSION``; response of the
    same version: SUPPORTED, READY, AUTHENTICATE or ERROR
:source: CQL Binary Protocol v1 to v5, sections 2, 4.1 and 4.2
:minimum: 9 bytes from each side, or 24 of the client
:facts: none
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Evidence, client_first
from ..parsing.wire import u32

api_version = 1
protocols = ("cassandra",)
transport = "tcp"
tier = "exact"
first_client = b"\x01\x02\x03\x04\x05\x42"
first_server = b"\x81\x82\x83\x84\x85\xc2"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect CQL."""
    return client_first("cassandra", _client(client), _server(server))


def _opcode(data: bytes) -> tuple[int, int, int] | None:
    """Opcode, length and start of the body; None while the header is not there."""
    at = 3 if data and data[0] & 0x7F < 3 else 4
    if len(data) < at + 5:
        return None
    return data[at], u32(data, at + 1), at + 5


def _client(data: bytes) -> Evidence:
    if data[1:2] > b"\x1f":
        return NO
    header = _opcode(data)
    if header is None:
        return MORE
    opcode, size, at = header
    if opcode == 5:
        return HINT if size == 0 else NO
    if opcode != 1 or not 22 <= size <= 4096:
        return NO
    body = data[at : at + size]
    if b"\0\x0bCQL_VERSION" in body:
        return YES
    return MORE if len(body) < size else NO


def _server(data: bytes) -> Evidence:
    if data[1:2] > b"\x1f":
        return NO
    header = _opcode(data)
    if header is None:
        return MORE
    opcode, size, _ = header
    return HINT if (opcode in (0, 3, 6) and 2 < size <= 1 << 20) or (opcode == 2 and size == 0) else NO
