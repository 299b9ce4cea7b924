"""Internet Key Exchange, versions 1 (ISAKMP) and 2, also behind the non-ESP marker of NAT traversal.

:checked: version, exchange, and a length that is the datagram's
:source: RFC 2408 section 3.1; RFC 7296 section 3.1; RFC 3948 section 2.2 (marker)
:minimum: the first datagram, 28 bytes
:facts: version_major, version_minor, init_spi, resp_spi, exchange_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u32

api_version = 1
protocols = ("ike",)
transport = "udp"
tier = "exact"
first_client = None
first_server = None

_HEADER: Final = 28
_MARKER: Final = b"\0\0\0\0"
_EXCHANGES: Final = {1: frozenset({1, 2, 3, 4, 5, 6, 32, 33, 34}), 2: frozenset(range(34, 48))}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IKE."""
    return by_datagram("ike", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    at = 4 if data[:4] == _MARKER else 0
    size = len(data) - at
    if size < _HEADER or u32(data, at + 24) != size:
        return NO
    major, minor = data[at + 17] >> 4, data[at + 17] & 15
    if major not in _EXCHANGES or minor > 1 or data[at + 18] not in _EXCHANGES[major] or not any(data[at : at + 8]):
        return NO
    return {
        "version_major": major,
        "version_minor": minor,
        "init_spi": data[at : at + 8].hex(),
        "resp_spi": data[at + 8 : at + 16].hex(),
        "exchange_type": data[at + 18],
    }
