"""NetFlow versions 1, 5, 7 and 9, and IPFIX: flow records on their way to a collector.

:checked: the number of records against the datagram's length; of versions 9 and 10 that the sets fill it
:source: RFC 3954 section 5 (version 9); RFC 7011 section 3 (IPFIX); Cisco, NetFlow Services Solutions Guide (1, 5, 7)
:minimum: the first datagram, 16 bytes
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u16

api_version = 1
protocols = ("netflow",)
transport = "udp"
tier = "structural"
first_client = b"\0"
first_server = None

_IPFIX: Final = 10
#: bytes of the header and of a record, and most records of a datagram
_FIXED: Final = {1: (16, 52, 24), 5: (24, 48, 30), 7: (24, 52, 28)}
#: bytes of the header, and sets with templates
_SETS: Final = {9: (20, (0, 1)), _IPFIX: (16, (2, 3))}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NetFlow and IPFIX."""
    return by_beacon("netflow", _message, flow, client)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 16:
        return NO
    version, count = u16(data, 0), u16(data, 2)
    if version in _FIXED:
        header, record, most = _FIXED[version]
        return {"version": version} if 0 < count <= most and size == header + count * record else NO
    if version not in _SETS or (version == _IPFIX and count != size):
        return NO
    at, templates = _SETS[version]
    while at + 4 <= size:
        length = u16(data, at + 2)
        if length < 4 or 4 <= u16(data, at) < 256 or (u16(data, at) < 4 and u16(data, at) not in templates):
            return NO
        at += length
    return {"version": version} if at == size and size > 20 else NO
