"""Layer Two Tunnelling Protocol, versions 2 and 3 over UDP: its control messages.

:checked: the flags and version of a control message, a length that is the datagram's, and a message type as the first
    value
:source: RFC 2661 sections 3.1, 4.1; RFC 3931 sections 3.2.1, 4.1.2.1, 5.1
:minimum: the first datagram, 12 bytes
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16

api_version = 1
protocols = ("l2tp",)
transport = "udp"
tier = "structural"
first_client = b"\xc8"
first_server = None

_HEADER: Final = 12
#: mandatory or not, eight bytes, no vendor, attribute 0
_MESSAGE_TYPES: Final = (b"\x80\x08\0\0\0\0", b"\0\x08\0\0\0\0")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect L2TP."""
    return by_datagram("l2tp", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < _HEADER or data[0] != 0xC8 or data[1] not in (2, 3) or u16(data, 2) != size:
        return NO
    return {"version": data[1]} if size == _HEADER or data.startswith(_MESSAGE_TYPES, _HEADER) else NO
