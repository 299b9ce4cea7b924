"""Anything In Anything: IPv6 tunnels with signatures.

:checked: lengths, kinds and operation of the header, and the IPv6 packet behind identity and signature that ends with
    the datagram
:source: draft-massar-v6ops-ayiya-02 section 3
:minimum: the first datagram, 8 bytes and the packet inside
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import change_places, ip_packet

api_version = 1
protocols = ("ayiya",)
transport = "udp"
tier = "structural"
first_client = bytes(high << 4 | low for high in range(9) for low in range(3))
first_server = first_client

_IPV6: Final = 41
_NO_NEXT: Final = 59
_MAX_HASH: Final = 3
_MAX_AUTHENTICATION: Final = 2
_MAX_OPERATION: Final = 7


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect AYIYA."""
    return by_datagram("ayiya", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """The packet inside goes where the other one comes from; the signatures of keep-alives are unlike each other."""
    at, other_at = _inside(one), _inside(other)
    return at < len(one) and other_at < len(other) and change_places(one, at, other, other_at)


def _inside(data: bytes) -> int:
    """Return where the packet is, behind identity and signature."""
    return 8 + (1 << (data[0] >> 4)) + (data[1] >> 4) * 4


def _message(data: bytes) -> Evidence:
    if len(data) < 8 or data[1] & 15 > _MAX_HASH or data[2] >> 4 > _MAX_AUTHENTICATION or data[2] & 15 > _MAX_OPERATION:
        return NO
    inside = _inside(data)
    if data[3] == _NO_NEXT:
        return {} if len(data) == inside and data[1] >> 4 == 5 else NO
    return {} if data[3] == _IPV6 and len(data) > inside and data[inside] >> 4 == 6 and ip_packet(data, inside) else NO
