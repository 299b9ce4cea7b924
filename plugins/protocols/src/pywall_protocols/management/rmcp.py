"""Remote Management Control Protocol: ASF and IPMI over a network.

:checked: version 6, reserved byte, class, and what the class begins with: ASF's enterprise number and length, IPMI's
    kind of authentication and length
:source: DMTF DSP0136 section 3.2; Intel, IPMI 2.0 sections 13.1.3, 13.6
:minimum: the first datagram, 4 bytes
:facts: class
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram

api_version = 1
protocols = ("rmcp",)
transport = "udp"
tier = "exact"
first_client = b"\6"
first_server = b"\6"

_ACK: Final = 0x80
_ASF: Final = 6
_IPMI: Final = 7
_ASF_ENTERPRISE: Final = b"\0\0\x11\xbe"
#: none, MD2, MD5, password, OEM: bytes before the length, which the code of 16 lengthens
_SESSION: Final = {0: 13, 1: 29, 2: 29, 4: 29, 5: 29}
_RMCP_PLUS: Final = 6
_PING, _PONG = 0x80, 0x40
#: payload types of RMCP+ that open a session: request, response is one more
_OPENS: Final = (0x10, 0x12, 0x14)
#: addresses, function, checksums, number, command
_IPMI_LEAST: Final = 7


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RMCP."""
    return by_datagram("rmcp", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A ping and its pong with one tag (ASF 2.0 section 3.2.2); a request of IPMI, and a response from the address that
    it asked, to its function (IPMI 2.0 sections 13.8, 13.24)."""
    if one[3] != other[3]:
        return False
    if one[3] == _ASF:
        return one[9] == other[9] and (one[8], other[8]) == (_PING, _PONG)
    if _RMCP_PLUS in (one[4], other[4]):
        return one[4] == other[4] and one[5] & 0x3F in _OPENS and other[5] & 0x3F == one[5] & 0x3F | 1
    asked, answered = (message[_SESSION[message[4]] + 1 :] for message in (one, other))
    if len(asked) < _IPMI_LEAST or len(answered) <= _IPMI_LEAST or not _holds(asked) or not _holds(answered):
        return False
    ends = asked[0] == answered[3] and asked[3] == answered[0] and asked[4] >> 2 == answered[4] >> 2
    return ends and answered[1] >> 2 == asked[1] >> 2 | 1 and not asked[1] & 4 and asked[5] == answered[5]


def _holds(message: bytes) -> bool:
    """Return True if the checksum of an IPMI message's head holds."""
    return not sum(message[:3]) & 0xFF


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 4 or data[1]:
        return NO
    if data[3] & _ACK:
        return {"class": "ack"} if size == 4 and data[3] & 0x7F in (_ASF, _IPMI) else NO
    if data[3] == _ASF:
        return {"class": "asf"} if size >= 12 and data[4:8] == _ASF_ENTERPRISE and 12 + data[11] == size else NO
    if data[3] != _IPMI or size < 14:
        return NO
    if data[4] == _RMCP_PLUS:
        return {"class": "ipmi"} if size >= 16 + int.from_bytes(data[14:16], "little") else NO
    at = _SESSION.get(data[4])
    return {"class": "ipmi"} if at and size > at and 0 <= size - at - 1 - data[at] <= 1 else NO
