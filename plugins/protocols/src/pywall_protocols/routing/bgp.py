"""Border Gateway Protocol 4.

:checked: the marker of sixteen bytes of ones, a length that the type allows, and the version in an OPEN
:source: RFC 4271 section 4; RFC 2918 (route refresh); RFC 8654 (long messages)
:minimum: 19 bytes
:facts: message, asn
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import u16

api_version = 1
protocols = ("bgp",)
transport = "tcp"
tier = "exact"
first_client = b"\xff"
first_server = b"\xff"

_MARKER: Final = b"\xff" * 16
_HEADER: Final = 19
_OPEN: Final = 1
#: least and greatest length of each type
_LENGTHS: Final = {
    _OPEN: range(29, 4097),
    2: range(23, 65536),
    3: range(21, 65536),
    4: range(19, 20),
    5: range(23, 65536),
}
_NAMES: Final = ("", "open", "update", "notification", "keepalive", "route-refresh")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect BGP."""
    return by_stream("bgp", _message, client, server)


def _message(data: bytes) -> Evidence:
    if not _MARKER.startswith(data[:16]):
        return NO
    if len(data) < _HEADER:
        return MORE
    kind = data[18]
    if u16(data, 16) not in _LENGTHS.get(kind, ()):
        return NO
    if kind != _OPEN:
        return {"message": _NAMES[kind]}
    if len(data) < 28:  # up to the identifier, which tells two speakers apart
        return MORE
    return {"message": "open", "asn": u16(data, 20)} if data[19] == 4 else NO
