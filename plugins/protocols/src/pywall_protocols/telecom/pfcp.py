"""Packet Forwarding Control Protocol, between the planes of a mobile core.

:checked: version 1, a known message, a length that is the datagram's, and elements that fill it
:source: 3GPP TS 29.244 sections 7.2.2, 7.3, 8.1
:minimum: the first datagram, 12 bytes
:facts: message_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16

api_version = 1
protocols = ("pfcp",)
transport = "udp"
tier = "structural"
first_client = bytes(range(0x20, 0x28))
first_server = first_client

_SESSION: Final = 0x01  # a session identifier and a priority follow
_FOLLOW_ON: Final = 0x04
_MESSAGES: Final = frozenset((*range(1, 18), *range(50, 58)))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PFCP."""
    return by_datagram("pfcp", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a response of another type with its number (3GPP TS 29.244 section 7.2.2)."""
    at, other_at = (12 if message[0] & _SESSION else 4 for message in (one, other))
    return one[1] != other[1] and one[at : at + 3] == other[other_at : other_at + 3]


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 12 or data[1] not in _MESSAGES:
        return NO
    end = 4 + u16(data, 2)
    if end > size or (end < size and not data[0] & _FOLLOW_ON):
        return NO
    at = 16 if data[0] & _SESSION else 8
    while at + 4 <= end:
        at += 4 + u16(data, at + 2)
    return {"message_type": data[1]} if at == end else NO
