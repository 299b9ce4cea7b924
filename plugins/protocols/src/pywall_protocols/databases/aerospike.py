"""Aerospike's binary protocol.

:checked: version 2, a kind of message, a length; a message's own header of 22 bytes; the same version from the server
:source: Aerospike wire protocol (aerospike-client-c, as_proto.h)
:minimum: 9 bytes of the client
:facts: kind
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("aerospike",)
unseen = protocols
transport = "tcp"
tier = "structural"
first_client = b"\2"
first_server = b"\2"

_KINDS: Final = {1: "info", 2: "admin", 3: "message", 4: "compressed"}
_MESSAGE: Final = 3
_INFO: Final = 1
_HEADER: Final = 8
_INNER_HEADER: Final = 22
_LONGEST: Final = 128 << 20


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Aerospike."""
    return by_request("aerospike", _message, _answers, flow, client, server)


def _message(data: bytes) -> Evidence:
    if len(data) > 1 and data[1] not in _KINDS:
        return NO
    if data[0] != 2 or any(data[2:4]):
        return NO
    if len(data) < _HEADER:
        return MORE
    length = int.from_bytes(data[2:8], "big")
    if length > _LONGEST or (data[1] != _INFO and length < _INNER_HEADER):
        return NO
    kind = {"kind": _KINDS[data[1]]}
    if length == 0:
        return kind if data[1] == _INFO else NO
    if len(data) < _HEADER + 1:
        return MORE
    if data[1] == _MESSAGE:
        return kind if data[8] == _INNER_HEADER else NO
    if data[1] == _INFO:
        return kind if chr(data[8]).isprintable() else NO
    return kind


def _answers(request: bytes, answer: bytes) -> Answer:
    result = _message(answer)
    if isinstance(result, dict):
        return YES if answer[1] == request[1] else NO
    return MORE if result is MORE else NO
