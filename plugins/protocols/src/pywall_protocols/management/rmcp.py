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


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RMCP."""
    return by_datagram("rmcp", _message, flow, client, server)


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
