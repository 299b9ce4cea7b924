"""KNXnet/IP: building automation.

:checked: header length, version, a known service, and a length that is the datagram's, over TCP one that a message may
    have
:source: ISO 22510 clause 5 (KNXnet/IP core)
:minimum: 6 bytes
:facts: service
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.wire import u16

api_version = 1
protocols = ("knx",)
transport = ("udp", "tcp")
tier = "exact"
first_client = b"\6"
first_server = b"\6"

_BEGINNING: Final = b"\6\x10"
_FAMILIES: Final = {2: 0x10, 3: 0x14, 4: 0x24, 5: 0x34, 6: 0x44, 7: 0x44, 8: 0x04, 9: 0x5A}
_HEADER: Final = 6
_MAX_LENGTH: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect KNXnet/IP."""
    if flow.proto == UDP:
        return by_datagram("knx", _datagram, flow, client, server, _belong)
    return by_stream(
        "knx", _message, client, server, proved=belonging(client, server, _HEADER, _size, _message, _belong)
    )


def _size(data: bytes) -> int:
    return u16(data, 4)


def _belong(one: bytes, other: bytes) -> bool:
    """Two services: a request has a response or an acknowledgement."""
    return one[2:4] != other[2:4]


def _datagram(data: bytes) -> Evidence:
    return _message(data) if len(data) > _HEADER and u16(data, 4) == len(data) else NO


def _message(data: bytes) -> Evidence:
    if not _BEGINNING.startswith(data[:2]):
        return NO
    if len(data) < _HEADER:
        return MORE
    most = _FAMILIES.get(data[2])
    holds = most is not None and data[3] <= most and _HEADER < u16(data, 4) <= _MAX_LENGTH
    return {"service": f"0x{u16(data, 2):04x}"} if holds else NO
