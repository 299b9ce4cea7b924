"""Binary Floor Control Protocol, of conferences.

:checked: version, primitive, attributes where it needs some, and the length, which the datagram must equal; another
    primitive as answer, in the same conference and transaction
:source: RFC 8855 section 5.1; RFC 4582 (version 1)
:minimum: 12 bytes
:facts: primitive
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import u16

api_version = 1
protocols = ("bfcp",)
unseen = ("bfcp",)
transport = ("tcp", "udp")
tier = "structural"
#: version 1 (TCP) or 2 (UDP) in three bits, the responder's bit, the fragments' bit, reserved ones
first_client = b"\x20\x30\x40\x50"
first_server = first_client

_HEADER: Final = 12
_LAST_PRIMITIVE: Final = 18
#: UserQuery, FloorQuery, Hello, the acknowledgements and Goodbye: they alone may be without an attribute
_BARE: Final = (5, 7, 11, 14, 15, 16, 17)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect BFCP."""
    return by_request("bfcp", _datagram if flow.proto == UDP else _message, _answers, flow, client, server)


def _message(data: bytes) -> Evidence:
    if not 1 <= data[0] >> 5 <= 2 or (len(data) > 1 and not 1 <= data[1] <= _LAST_PRIMITIVE):
        return NO
    if len(data) < _HEADER + 2:
        return NO if any(data[2:3]) else MORE
    attributes = u16(data, 2)
    if (attributes and not 1 <= data[12] >> 1 <= 18) or (not attributes and data[1] not in _BARE):
        return NO
    return {"primitive": data[1]} if not data[2] and any(data[4:8]) else NO


def _datagram(data: bytes) -> Evidence:
    whole = len(data) >= _HEADER and _HEADER + 4 * u16(data, 2) == len(data)
    return _message(data + bytes(2)) if whole else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    if len(answer) < _HEADER:
        return MORE if answer[0] >> 5 == request[0] >> 5 else NO
    same = answer[0] >> 5 == request[0] >> 5 and answer[4:10] == request[4:10]
    return YES if same and 1 <= answer[1] <= _LAST_PRIMITIVE and answer[1] != request[1] else NO
