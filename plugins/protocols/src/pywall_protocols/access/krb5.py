"""Kerberos 5, by the outer ASN.1 structure of its messages.

:checked: application tag, lengths that nest, protocol version 5 and the message type that the tag says; over TCP the
    record length in front
:source: RFC 4120 sections 5.4, 5.5, 5.9, 7.2.1 and 7.2.2
:minimum: 16 bytes
:facts: msg_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import cut, first_datagram, tlv, u32

api_version = 1
protocols = ("krb5",)
transport = ("tcp", "udp")
tier = "exact"
_TYPES: Final = {
    0x6A: "KRB_AS_REQ",
    0x6B: "KRB_AS_REP",
    0x6C: "KRB_TGS_REQ",
    0x6D: "KRB_TGS_REP",
    0x6E: "KRB_AP_REQ",
    0x6F: "KRB_AP_REP",
    0x74: "KRB_SAFE",
    0x75: "KRB_PRIV",
    0x76: "KRB_CRED",
    0x7E: "KRB_ERROR",
}
#: safe and private messages, and credentials, which either side may send
_ALIKE: Final = (b"\x74", b"\x75", b"\x76")
first_client = b"\0" + bytes(_TYPES)
first_server = b"\0" + bytes(_TYPES)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Kerberos."""
    at = 4
    if flow.proto == UDP:
        client, server = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        at = 0
    return client_first("krb5", _side(client, at), _side(server, at), proved=_belong(client, server, at))


def _belong(client: bytes, server: bytes, at: int) -> bool:
    """Return True for two kinds of messages, or two of those that either side may send."""
    if client[at : at + 1] != server[at : at + 1]:
        return True
    end = at + u32(client, 0) if at and len(client) >= at else len(client)
    return client[at : at + 1] in _ALIKE and not is_copy(client[:end], server[:end])


def _side(data: bytes, at: int) -> Evidence:
    if at and data[:1] > b"\0":
        return NO
    if len(data) <= at:
        return MORE
    kind = data[at]
    if kind not in _TYPES:
        return NO
    if len(data) < at + 19 and at:
        return MORE
    outer = tlv(data, at)
    inner = tlv(data, outer[1]) if outer else None
    version = tlv(data, inner[1]) if inner else None
    number = tlv(data, version[2]) if version else None
    if outer is None or inner is None or version is None or number is None:
        return NO
    if at and outer[2] != at + u32(data, 0):
        return NO
    fits = inner[0] == 0x30 and inner[2] <= outer[2] and version[0] in (0xA0, 0xA1) and number[0] == version[0] + 1
    if not fits or cut(data, version[1], version[2]) != b"\x02\x01\x05":
        return NO
    return {"msg_type": _TYPES[kind]} if cut(data, number[1], number[2]) == bytes((2, 1, kind & 0x1F)) else NO
