"""Label Distribution Protocol, over UDP (hellos) and TCP (sessions).

:checked: version 1, a length that is the datagram's, and a known first message that fits into it
:source: RFC 5036 sections 3.1, 3.5; message types by IANA's registry
:minimum: 18 bytes
:facts: message_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import frames, u16

api_version = 1
protocols = ("ldp",)
transport = ("udp", "tcp")
tier = "structural"
first_client = b"\0"
first_server = b"\0"

_HEADER: Final = 10
#: least length of a unit: its identifier and one message without values
_LEAST: Final = 14
_MESSAGES: Final = frozenset(
    {0x0001, 0x0100, 0x0200, 0x0201, 0x0202, 0x0300, 0x0301, 0x0400, 0x0401, 0x0402, 0x0403, 0x0404}
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect LDP."""
    if flow.proto == UDP:
        return by_datagram("ldp", _datagram, flow, client, server)
    return by_stream("ldp", _message, client, server, proved=lambda: _belong(client, server))


def _belong(client: bytes, server: bytes) -> bool:
    """Both open a session alike, each with its own identifier, and go on (RFC 5036 section 2.5.3)."""
    return client[4:10] != server[4:10] and len(_messages(client)) > 1 < len(_messages(server))


def _messages(data: bytes) -> list[int]:
    """Return the types of the messages in the units that are all there, up to one that does not hold."""
    found = []
    for unit in frames(data, _HEADER, _size):
        at = _HEADER
        while at + 8 <= len(unit) and u16(unit, at) & 0x7FFF in _MESSAGES and unit[:2] == b"\0\1":
            found.append(u16(unit, at) & 0x7FFF)
            at += 4 + u16(unit, at + 2)
        if at != len(unit):
            break
    return found


def _size(data: bytes) -> int:
    return 4 + u16(data, 2)


def _datagram(data: bytes) -> Evidence:
    return _message(data) if len(data) >= 18 and u16(data, 2) + 4 == len(data) else NO


def _message(data: bytes) -> Evidence:
    if not b"\0\1".startswith(data[:2]) or (len(data) >= 4 and u16(data, 2) < _LEAST):
        return NO
    if len(data) < 18:
        return MORE
    kind, length = u16(data, _HEADER) & 0x7FFF, u16(data, _HEADER + 2)
    holds = kind in _MESSAGES and 4 <= length <= u16(data, 2) - _HEADER and u16(data, 8) == 0 and any(data[4:8])
    return {"message_type": kind} if holds else NO
