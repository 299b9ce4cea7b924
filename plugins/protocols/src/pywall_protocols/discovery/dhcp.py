"""Dynamic Host Configuration Protocol for IPv4, and BOOTP.

:checked: operation, hardware type and address length; the magic cookie, or, for BOOTP without one, an Ethernet address
    whose padding is zero
:source: RFC 2131 section 2; RFC 1497; RFC 951 section 3; options by RFC 2132
:minimum: 240 bytes
:facts: type, dhcp_type, client_mac, hostname
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import text

api_version = 1
protocols = ("dhcp",)
transport = "udp"
tier = "exact"
first_client = b"\1\2"
first_server = b"\1\2"

_COOKIE: Final = b"\x63\x82\x53\x63"
_OPTIONS: Final = 240
_BOOTP: Final = 300
_MESSAGES: Final = ("discover", "offer", "request", "decline", "ack", "nak", "release", "inform")
_REPLY: Final = 2
#: of a server; those of newer kinds have no name here
_ANSWERS: Final = ("offer", "ack", "nak")
_HOSTNAME: Final = 12
_MESSAGE_TYPE: Final = 53
_END: Final = 255


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DHCP and BOOTP."""
    return by_datagram("dhcp", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a reply with its number, of a kind that a server sends (RFC 2131 section 3)."""
    if one[0] == other[0] or one[4:8] != other[4:8]:
        return False
    facts: dict[str, Any] = {}
    _read_options(one if one[0] == _REPLY else other, facts)
    return facts.get("dhcp_type", "ack") in _ANSWERS


def _message(data: bytes) -> Evidence:
    if len(data) < _OPTIONS or data[0] not in (1, 2) or data[2] > 16 or data[3] > 16:
        return NO
    cookie = data[236:240] == _COOKIE
    if not cookie and (len(data) < _BOOTP or data[1:3] != b"\1\6" or any(data[34:44]) or not any(data[28:34])):
        return NO
    facts: dict[str, Any] = {"type": "request" if data[0] == 1 else "reply"}
    if data[2] == 6:
        facts["client_mac"] = data[28:34].hex(":")
    if cookie:
        _read_options(data, facts)
    return facts


def _read_options(data: bytes, facts: dict[str, Any]) -> None:
    at = _OPTIONS
    while at + 2 < len(data) and data[at] != _END:
        if data[at] == 0:
            at += 1
            continue
        value = data[at + 2 : at + 2 + data[at + 1]]
        if data[at] == _MESSAGE_TYPE and value and 1 <= value[0] <= len(_MESSAGES):
            facts["dhcp_type"] = _MESSAGES[value[0] - 1]
        elif data[at] == _HOSTNAME:
            facts["hostname"] = text(value)
        at += 2 + data[at + 1]
