"""Rx, the remote procedure calls of AFS.

:checked: type, flags and reserved fields of the header; an answer on the same connection
:source: Zeldovich, RX protocol specification; OpenAFS, rx.h
:minimum: the first datagram, 28 bytes
:facts: type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("rx",)
transport = "udp"
tier = "structural"
first_client = None
first_server = None

_HEADER: Final = 28
_TYPES: Final = {
    1: "data",
    2: "ack",
    3: "busy",
    4: "abort",
    5: "ackall",
    6: "challenge",
    7: "response",
    8: "debug",
    13: "version",
}
_FROM_CLIENT: Final = 1
_FLAGS: Final = 0x3F
_MOST_CALLS: Final = 1 << 20
_LAST_SERVICE: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Rx."""
    if client and (flow.client_sizes[0] < _HEADER or client[20] not in _TYPES):
        return NO
    return by_request("rx", _request, _answers, flow, client, server, needs_answer=True)


def _request(data: bytes) -> Evidence:
    return {"type": _TYPES[data[20]]} if _is_packet(data) and data[21] & _FROM_CLIENT else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    same = answer[:8] == request[:8] and _is_packet(answer) and not answer[21] & _FROM_CLIENT
    return YES if same and u32(answer, 8) == u32(request, 8) else NO


def _is_packet(data: bytes) -> bool:
    """Epoch and connection, small numbers of call, sequence and serial, a type, flags, security below 8, a service."""
    if len(data) < _HEADER or data[20] not in _TYPES or data[21] & ~_FLAGS or data[23] > 8 or not any(data[:4]):
        return False
    small = all(u32(data, at) < _MOST_CALLS for at in (8, 12, 16))
    return small and u16(data, 26) <= _LAST_SERVICE
