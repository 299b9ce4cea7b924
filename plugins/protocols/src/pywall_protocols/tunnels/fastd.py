"""fastd, a tunnel of mesh networks.

:checked: the header of a handshake and its records, whose lengths add up; a request, and a reply to it
:source: fastd manual, Protocol: Handshake protocol, General packet format (versions 22 and 23)
:minimum: the first datagram, of a confirmed match one of each side
:facts: handshake
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text, u16

api_version = 1
protocols = ("fastd",)
transport = "udp"
tier = "exact"
first_client = first_server = b"\x01\xc8"

#: type, a reserved zero, the records' length
_HEADER: Final = 4
_HANDSHAKE: Final = b"\1\0"
#: version 23 puts a control header of L2TP before it
_CONTROL: Final = b"\xc8\x03\0\x0c"
_CONTROL_SIZE: Final = 12
#: types of records: kind of message, name of the handshake
_KIND, _NAME = 0, 5
_REQUEST, _REPLY = b"\1", b"\2"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect fastd."""
    return by_request("fastd", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    records = _records(data)
    name = records.get(_NAME)
    return {"handshake": text(name)} if name and records.get(_KIND) == _REQUEST else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    records = _records(answer)
    return YES if records.get(_KIND) == _REPLY and records.get(_NAME) == _records(request).get(_NAME) else NO


def _records(data: bytes) -> dict[int, bytes]:
    """Return the records of a handshake by type; none where the lengths do not add up."""
    if data.startswith(_CONTROL):
        data = data[_CONTROL_SIZE:]
    if len(data) < _HEADER or not data.startswith(_HANDSHAKE) or u16(data, 2) != len(data) - _HEADER:
        return {}
    found: dict[int, bytes] = {}
    at = _HEADER
    while at + 4 <= len(data):
        kind = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 2 : at + 4], "little")
        found[kind] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found if at == len(data) else {}
