"""Remote Authentication Dial In User Service: authentication, accounting and change of authorisation.

:checked: a known code, a length that is the datagram's or leaves padding, and attributes that fill it exactly, or
    several whole ones before a broken one
:source: RFC 2865 sections 3, 5; RFC 2866; RFC 5176; codes by IANA's registry
:minimum: the first datagram, 20 octets
:facts: code, user_name
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from .exchange import Said, by_datagram
from .wire import text, u16

protocols = ("radius",)
transport = "udp"

_CODES: Final = {
    1: "access-request",
    2: "access-accept",
    3: "access-reject",
    4: "accounting-request",
    5: "accounting-response",
    11: "access-challenge",
    12: "status-server",
    13: "status-client",
    40: "disconnect-request",
    41: "disconnect-ack",
    42: "disconnect-nak",
    43: "coa-request",
    44: "coa-ack",
    45: "coa-nak",
}
first_client = bytes(_CODES)
first_server = None

_HEADER: Final = 20
_USER_NAME: Final = 1
#: RFC 2865 section 3: octets beyond the length are padding
_PADDING: Final = 16
#: whole attributes that count although a broken one follows
_ENOUGH: Final = 2


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise RADIUS."""
    return by_datagram("radius", _message, flow, client, server)


def _message(data: bytes) -> Said:
    if len(data) < _HEADER or data[0] not in _CODES:
        return NO
    size = u16(data, 2)
    if not size <= len(data) <= size + _PADDING or size < _HEADER:
        return NO
    facts: dict[str, Any] = {"code": _CODES[data[0]]}
    at = _HEADER
    whole = 0
    while at + 2 <= size:
        length = data[at + 1]
        if length < 2 or data[at] == 0 or at + length > size:
            break
        if data[at] == _USER_NAME:
            facts["user_name"] = text(data[at + 2 : at + length])
        at += length
        whole += 1
    return facts if at == size or whole >= _ENOUGH else NO
