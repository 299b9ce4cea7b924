"""SOME/IP, between control units of vehicles, over UDP and TCP, with its service discovery.

:checked: messages that fill the datagram, protocol version 1, and a known message type and return code; over TCP a
    header of each side
:source: AUTOSAR, SOME/IP Protocol Specification R22-11, section 4.1.2
:minimum: 16 bytes
:facts: service, method
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_datagram, together
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("someip",)
transport = ("udp", "tcp")
tier = "structural"
first_client = None
first_server = None

_HEADER: Final = 16
_DISCOVERY: Final = b"\xff\xff\x81\0"
_MAX_LENGTH: Final = 0xFFFF
#: request, without return, notification, their acknowledgements, response, error; the bit 0x20 for segments
_TYPES: Final = frozenset({0, 1, 2, 0x40, 0x41, 0x42, 0x80, 0x81, 0xC0, 0xC1, 0x20, 0x21, 0x22, 0xA0, 0xA1})
_MAX_RETURN_CODE: Final = 0x5E


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SOME/IP."""
    if flow.proto == UDP:
        return by_datagram("someip", _datagram, flow, client, server, _belong)
    # a header of one side is little to go by where no datagram says how long the message is
    answer = together("someip", _message(client), _message(server))
    if not isinstance(answer, Match):
        return answer
    if client[:_HEADER] == server[:_HEADER]:  # an echo
        return NO
    copied = is_copy(client[:_HEADER], server[:_HEADER]) and not _belong(client, server)
    return Match("someip", answer.facts, confirmed=False) if copied else answer


def _belong(one: bytes, other: bytes) -> bool:
    """Two types of messages; in service discovery an entry and its acknowledgement (AUTOSAR PRS_SOMEIPServiceDiscovery
    section 5.1.2.3)."""
    return one[14] != other[14] or (one[:4] == other[:4] == _DISCOVERY and one[24:25] != other[24:25])


def _datagram(data: bytes) -> Evidence:
    """Messages that fill the datagram."""
    at = 0
    size = len(data)
    while at + _HEADER <= size and not at + 8 + u32(data, at + 4) > size:
        if not isinstance(_message(data[at : at + _HEADER]), dict):
            return NO
        at += 8 + u32(data, at + 4)
    return _message(data) if at == size else NO


def _message(data: bytes) -> Evidence:
    if len(data) >= 8 and not 8 <= u32(data, 4) <= _MAX_LENGTH:
        return NO
    if len(data) < _HEADER:
        return MORE
    if data[12] != 1 or data[14] not in _TYPES or data[15] > _MAX_RETURN_CODE:
        return NO
    if not u16(data, 0) or (data[14] in (0, 1, 2) and data[15]):
        return NO
    return {"service": u16(data, 0), "method": u16(data, 2)}
