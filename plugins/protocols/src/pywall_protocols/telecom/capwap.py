"""Control And Provisioning of Wireless Access Points: its control channel, in the clear or over DTLS, and its data.

:checked: the preamble with a DTLS record, or a header and a control message whose elements fill the datagram, or one
    with what the radio said and an 802.11 frame
:source: RFC 5415 sections 4.1 to 4.3, 4.5
:minimum: the first datagram, 16 bytes
:facts: message_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("capwap",)
transport = "udp"
tier = "structural"
first_client = b"\0\1"
first_server = b"\0\1"

_DTLS: Final = b"\1\0\0\0"
_DTLS_TYPES: Final = range(20, 27)
_MAX_MESSAGE: Final = 26
#: enterprise number of IEEE 802.11 messages
_IEEE: Final = 13277
#: binding 802.11 and a frame as it was on the air; the radio's address or what it measured (RFC 5415 section 4.3)
_NATIVE, _NATIVE_MASK, _RADIO = 0x03, 0x3F, 0x30
_FRAME: Final = 24


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect CAPWAP."""
    return by_datagram("capwap", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """Two types of control messages: a request has the response of the next number."""
    at, other_at = (one[1] >> 3) * 4, (other[1] >> 3) * 4
    return one[0] == other[0] == 0 and one[at : at + 4] != other[other_at : other_at + 4]


def _message(data: bytes) -> Evidence:
    if len(data) < 16:
        return NO
    if data[0] == 1:
        holds = data.startswith(_DTLS) and data[4] in _DTLS_TYPES and data[5] == 0xFE and data[6] in (0xFD, 0xFF)
        return {} if holds and len(data) >= 17 and 17 + u16(data, 15) <= len(data) else NO
    at = (data[1] >> 3) * 4
    if at < 8 or len(data) < at + 8 or data[3] & 0x07:
        return NO
    if data[2] & _NATIVE_MASK == _NATIVE and data[3] & _RADIO and not any(data[4:8]):
        return {} if len(data) >= at + _FRAME else NO
    kind = data[at + 3]
    enterprise = u32(data, at) >> 8
    if enterprise not in (0, _IEEE) or not 1 <= kind <= _MAX_MESSAGE or at + 5 + u16(data, at + 5) != len(data):
        return NO
    at += 8
    while at + 4 <= len(data):
        at += 4 + u16(data, at + 2)
    return {"message_type": kind} if at == len(data) else NO
