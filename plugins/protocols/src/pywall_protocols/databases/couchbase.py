"""Couchbase, by the commands that it adds to memcached's binary protocol.

:checked: magic, command (HELLO, SELECT_BUCKET, GET_CLUSTER_CONFIG), zeros and lengths of the header; a response to the
    same command with the same opaque number
:source: Couchbase, kv_engine BinaryProtocol.md
:minimum: 24 bytes
:facts: agent
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text, u16, u32

api_version = 1
protocols = ("couchbase",)
unseen = ("couchbase",)
transport = "tcp"
tier = "exact"
first_client = b"\x80"
first_server = b"\x81\x18"

_HEADER: Final = 24
_HELLO: Final = 0x1F
_COMMANDS: Final = (_HELLO, 0x89, 0xB5)
_LONGEST_KEY: Final = 250


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Couchbase."""
    return by_request("couchbase", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    if data[0] != 0x80 or (len(data) > 1 and data[1] not in _COMMANDS):
        return NO
    if len(data) < _HEADER:
        return MORE
    key, body = u16(data, 2), u32(data, 8)
    if data[4] or data[5] or key > _LONGEST_KEY or not key <= body <= 4096 or any(data[16:24]):
        return NO
    facts: dict[str, Any] = {}
    if data[1] == _HELLO:
        if (body - key) % 2:
            return NO
        if len(data) < _HEADER + key:
            return MORE
        facts["agent"] = text(data[_HEADER : _HEADER + key])
    return facts


def _answers(request: bytes, answer: bytes) -> Answer:
    if answer[0] not in first_server or (len(answer) > 1 and answer[1] != request[1]):
        return NO
    if len(answer) < 16:
        return MORE
    return YES if answer[12:16] == request[12:16] else NO
