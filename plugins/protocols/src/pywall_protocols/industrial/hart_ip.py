"""HART-IP: process instruments, over UDP and TCP.

:checked: version, kind and number of the message, and a length that is the datagram's; over TCP those of a message and
    its answer
:source: FieldComm Group HCF_SPEC-085, sections 10.2.1, 10.3
:minimum: 8 bytes, over TCP of each side
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram, together
from ..parsing.wire import u16

api_version = 1
protocols = ("hart_ip",)
transport = ("udp", "tcp")
tier = "heuristic"
first_client = b"\1\2"
first_server = b"\1\2"

_HEADER: Final = 8
_VERSIONS: Final = (1, 2)
#: request, response, published, error, refused
_KINDS: Final = (0, 1, 2, 3, 15)
_OPENING: Final = 0
#: session opened, closed, kept alive; a HART message; audit log; discovery
_MESSAGES: Final = {
    _OPENING: "session_initiate",
    1: "session_close",
    2: "keep_alive",
    3: "pass_through",
    5: "read_audit_log",
    128: "discovery",
}
#: bytes of an opening: who is master, and the time after which silence ends the session
_OPENING_LENGTH: Final = 13
_MAX_LENGTH: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect HART-IP."""
    if flow.proto == UDP:
        return by_datagram("hart_ip", _datagram, flow, client, server)
    # without a datagram's end the header is little to go by: the answer has the number of the message and of its turn
    answer = together("hart_ip", _message(client), _message(server))
    fits = client[1:2] != server[1:2] and client[2:3] == server[2:3] and client[4:6] == server[4:6]
    return NO if isinstance(answer, Match) and not fits else answer


def _datagram(data: bytes) -> Evidence:
    return _message(data) if len(data) >= _HEADER and u16(data, 6) == len(data) else NO


def _message(data: bytes) -> Evidence:
    if len(data) < _HEADER:
        return MORE
    name = _MESSAGES.get(data[2])
    if name is None or data[0] not in _VERSIONS or data[1] not in _KINDS or not _HEADER <= u16(data, 6) <= _MAX_LENGTH:
        return NO
    if (data[1] == 0 and data[3]) or (data[2] == _OPENING and data[1] == 0 and u16(data, 6) != _OPENING_LENGTH):
        return NO
    return {"message": name}
