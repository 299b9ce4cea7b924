"""Service Location Protocol, versions 1 and 2.

:checked: a known function, a length that is the datagram's, and a language tag of letters
:source: RFC 2608 section 8 (version 2); RFC 2165 section 4 (version 1)
:minimum: the first datagram, 12 bytes
:facts: version, function
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16, u24

api_version = 1
protocols = ("srvloc",)
transport = "udp"
tier = "exact"
first_client = b"\1\2"
first_server = b"\1\2"

_language = re.compile(rb"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z").match
_MAX_FUNCTION: Final = 11
_MAX_TAG: Final = 35
_RADIUS_HEADER: Final = 20


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SLP."""
    return by_datagram("srvloc", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a reply of another function with its number (RFC 2608 section 8, RFC 2165 section 4)."""
    return one[0] == other[0] and one[1] != other[1] and one[10:12] == other[10:12]


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 12 or not 1 <= data[1] <= _MAX_FUNCTION:
        return NO
    if data[0] == 1:
        holds = u16(data, 2) == size and bool(_language(data[6:8])) and not _has_attributes(data)
    else:
        tag = u16(data, 12) if size >= 16 else 0
        holds = u24(data, 2) == size and 0 < tag <= _MAX_TAG and bool(_language(data[14 : 14 + tag]))
    return {"version": data[0], "function": data[1]} if holds else NO


def _has_attributes(data: bytes) -> bool:
    """Return whether attributes of RADIUS end where the datagram ends: its authenticator may be anything."""
    at = _RADIUS_HEADER
    while at + 2 <= len(data) and data[at + 1] >= 2:
        at += data[at + 1]
    return at == len(data) > _RADIUS_HEADER
