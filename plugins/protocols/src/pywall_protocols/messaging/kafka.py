"""Apache Kafka, by a request and the response that answers it.

:checked: request length, API key and version, client id; response length and the request's correlation id
:source: Kafka protocol guide: Protocol Primitive Types, Request and Response Headers
:minimum: 14 bytes of the client and 8 of the server; a request whose client says its name
:facts: api_key, client_id
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import text, u16, u32

api_version = 1
protocols = ("kafka",)
transport = "tcp"
tier = "exact"
first_client = b"\0\1"
first_server = b"\0\1\2\3"

#: letters of a client's name with which a request alone will do
_SURE: Final = 3
#: bytes of the first request of a client whose name is not sure; a DNS message over TCP reads as one of ten times that
_LONGEST_NAMELESS: Final = 65536


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Kafka."""
    if not _request(client):
        return NO
    if len(client) < 14 or len(client) < 14 + _id_size(client):
        return MORE
    facts: dict[str, Any] = {"api_key": u16(client, 4)}
    if _id_size(client):
        facts["client_id"] = text(client[14 : 14 + _id_size(client)])
    named = _id_size(client) >= _SURE
    if len(server) < 8:
        wrong = len(server) > 3 and not 4 <= u32(server, 0) <= 1 << 26
        return Match("kafka", facts, confirmed=False, done=wrong) if named else NO if wrong else MORE
    # zeros that come back prove nothing: ZooKeeper's first messages look so
    if client[8:12] == server[4:8] and (named or any(client[8:12])):
        return Match("kafka", facts)
    return Match("kafka", facts, confirmed=False) if named else NO


def _id_size(data: bytes) -> int:
    size = u16(data, 12)
    return 0 if size == 0xFFFF else size


def _request(data: bytes) -> bool:
    """Nothing in the request header, as far as it is there, is wrong."""
    if len(data) >= 4 and not 10 <= u32(data, 0) <= 1 << 24:
        return False
    if len(data) >= 8 and (u16(data, 4) > 92 or u16(data, 6) > 20):
        return False
    if len(data) < 14:
        return True
    size = _id_size(data)
    name = data[14 : 14 + size]
    if size < _SURE and u32(data, 0) > _LONGEST_NAMELESS:
        return False
    return size <= 256 and size + 10 <= u32(data, 0) and name.isascii() and name.decode().isprintable()
