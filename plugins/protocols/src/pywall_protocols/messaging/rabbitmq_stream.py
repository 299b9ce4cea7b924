"""RabbitMQ's stream protocol.

:checked: the exchange of peer properties: size, key, version 1, correlation; the answer's key and correlation
:source: RabbitMQ stream plugin, PROTOCOL.adoc
:minimum: 12 bytes of the client
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u32

api_version = 1
protocols = ("rabbitmq-stream",)
transport = "tcp"
tier = "structural"
first_client = b"\0"
first_server = b"\0"

_PEER_PROPERTIES: Final = b"\0\x11\0\1"
_ANSWERED: Final = b"\x80\x11\0\1"
_LONGEST: Final = 65536
_HEAD: Final = 12


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RabbitMQ's streams."""
    return by_request("rabbitmq-stream", _asks, _answers, flow, client, server)


def _asks(data: bytes) -> Evidence:
    result = _head(data, _PEER_PROPERTIES)
    return {} if result is YES else result


def _answers(request: bytes, answer: bytes) -> Answer:
    result = _head(answer, _ANSWERED)
    return result if result is not YES or answer[8:12] == request[8:12] else NO


def _head(data: bytes, key: bytes) -> Answer:
    if len(data) < _HEAD:
        return MORE if not any(data[:1]) and key.startswith(data[4:8]) else NO
    return YES if 8 <= u32(data, 0) <= _LONGEST and data[4:8] == key else NO
