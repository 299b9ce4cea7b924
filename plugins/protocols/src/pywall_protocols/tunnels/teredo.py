"""Teredo: IPv6 in UDP through network address translation.

:checked: an optional authentication and origin, then an IPv6 packet that ends with the datagram, one of whose addresses
    is Teredo's or local to the link
:source: RFC 4380 sections 5.1.1, 5.2
:minimum: the first datagram, 40 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ip_packet

api_version = 1
protocols = ("teredo",)
transport = "udp"
tier = "structural"
first_client = b"\0\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"
first_server = first_client

_AUTHENTICATION: Final = b"\0\1"
_ORIGIN: Final = b"\0\0"
_PREFIX: Final = b"\x20\1\0\0"
_OLD_PREFIX: Final = b"\x3f\xfe\x83\x1f"
_MULTICAST: Final = 0xFF
_LINK_LOCAL: Final = b"\xfe\x80\0\0"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Teredo."""
    return by_datagram("teredo", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """The packet inside goes where the other one comes from; a router that is asked for has an address of its own."""
    at, other_at = _inside(one), _inside(other)
    if change_places(one, at, other, other_at):
        return True
    return one[at + 24] == _MULTICAST and one[at + 8 : at + 24] == other[other_at + 24 : other_at + 40]


def _inside(data: bytes) -> int:
    """Return where the packet begins, behind an authentication and an origin."""
    at = 0
    if data[:2] == _AUTHENTICATION and len(data) > 13:
        at = 13 + data[2] + data[3]
    return at + 8 if data[at : at + 2] == _ORIGIN else at


def _message(data: bytes) -> Evidence:
    at = _inside(data)
    if len(data) < at + 40 or data[at] >> 4 != 6 or not ip_packet(data, at):
        return NO
    for address in (at + 8, at + 24):
        if data[address : address + 4] in (_PREFIX, _OLD_PREFIX, _LINK_LOCAL):
            return {}
    return NO
