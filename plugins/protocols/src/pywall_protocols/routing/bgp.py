"""Border Gateway Protocol 4.

:checked: the marker of sixteen bytes of ones, a length that the type allows, and the version in an OPEN
:source: RFC 4271 section 4; RFC 2918 (route refresh); RFC 8654 (long messages)
:minimum: 19 bytes
:facts: message, asn
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import frames, u16

api_version = 1
protocols = ("bgp",)
transport = "tcp"
tier = "exact"
first_client = b"\xff"
first_server = b"\xff"

_MARKER: Final = b"\xff" * 16
_HEADER: Final = 19
_OPEN, _UPDATE, _ALIVE = 1, 2, 4
#: messages of a side that are looked at
_MOST: Final = 4
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
    return by_stream("bgp", _message, client, server, proved=lambda: _belong(_messages(client), _messages(server)))


def _belong(ones: list[bytes], others: list[bytes]) -> bool:
    """Speakers have identifiers of their own, and say more than to be open or alive (RFC 4271 sections 4.2 and 4.4)."""
    if not ones or not others:
        return False
    if ones[0][18] == others[0][18] == _OPEN:
        return len(ones) > 1 < len(others) and ones[0][24:28] != others[0][24:28]
    return any(message[18] != _ALIVE for message in (*ones, *others))


def _messages(data: bytes) -> list[bytes]:
    """Return the first whole messages, up to one that does not hold."""
    found = []
    for message in islice(frames(data, _HEADER, _size), _MOST):
        lengths = _LENGTHS.get(message[18], ())
        if (
            message[:16] != _MARKER
            or len(message) not in lengths
            or (message[18] == _UPDATE and not _is_update(message))
        ):
            break
        found.append(message)
    return found


def _size(data: bytes) -> int:
    return u16(data, 16)


def _is_update(message: bytes) -> bool:
    withdrawn = 21 + u16(message, 19)
    return withdrawn + 2 <= len(message) and withdrawn + 2 + u16(message, withdrawn) <= len(message)


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
