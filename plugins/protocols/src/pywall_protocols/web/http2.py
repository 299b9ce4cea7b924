"""HTTP/2 with prior knowledge or after an upgrade, by the connection preface and the SETTINGS frame.

:checked: the client's 24 bytes, or a SETTINGS frame on stream 0 followed by another frame's header
:source: RFC 9113 sections 3.4, 4.1, 6.5
:minimum: 16 bytes of the client, or 18 of the server
:facts: http.grpc, http.undecodable (the others of its streams are those of HTTP, where the library hpack is installed)
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.evidence import alike
from ..parsing.wire import starts, u24, u32
from ..transactions.http2 import PREFACE, follow

api_version = 1
protocols = ("http2",)
transport = "tcp"
tier = "exact"
#: its transactions have the facts of HTTP
facts_of = "http"
first_client = first_server = b"P\0"

_HEADER: Final = 9
_MOST_SETTINGS: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect HTTP/2."""
    return alike("http2", _says(client), _says(server))


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Follow every stream."""
    return follow(flow)


def _says(data: bytes) -> Answer:
    if not data:
        return MORE
    if data[0] == PREFACE[0]:
        return starts(data[: len(PREFACE)], PREFACE)
    if len(data) < _HEADER:
        return MORE if b"\0\0".startswith(data[:2]) else NO
    length = u24(data, 0)
    if length % 6 or length > 6 * _MOST_SETTINGS or data[3] != 4 or data[4] & 0xFE or u32(data, 5) & 0x7FFFFFFF:
        return NO
    after = _HEADER + length
    if len(data) < after + _HEADER:
        return MORE
    return YES if data[after + 3] <= 9 and u24(data, after) <= 0x4000 and data[after + 5] < 0x80 else NO
