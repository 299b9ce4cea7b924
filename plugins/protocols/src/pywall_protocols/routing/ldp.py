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
from ..parsing.wire import u16

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
    return by_stream(
        "ldp", _message, client, server, proved=client[4:10] != server[4:10]
    )  # each has its own identifier


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
