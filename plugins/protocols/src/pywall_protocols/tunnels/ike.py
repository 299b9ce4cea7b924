"""Internet Key Exchange, versions 1 (ISAKMP) and 2, also behind the non-ESP marker of NAT traversal.

:checked: version, exchange, and a length that is the datagram's
:source: RFC 2408 section 3.1; RFC 7296 section 3.1; RFC 3948 section 2.2 (marker)
:minimum: the first datagram, 28 bytes
:facts: version_major, version_minor, init_spi, resp_spi, exchange_type
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import differing
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
#: of version 2: whether a message answers
_RESPONSE: Final = 0x20
#: bytes of an identifier that was drawn, that are not zero
_LEAST_DRAWN: Final = 5
_EXCHANGES: Final = {1: frozenset({1, 2, 3, 4, 5, 6, 32, 33, 34}), 2: frozenset(range(34, 48))}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IKE."""
    return by_datagram("ike", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """Messages of one association: the responder puts in the identifier that it has drawn; of version 2 the answer has
    the request's number (RFC 2408 section 3.1, RFC 7296 section 3.1)."""
    one, other = _behind_marker(one), _behind_marker(other)
    if one[:8] != other[:8]:
        return False
    drawn = other[8:16]
    if not any(one[8:16]) and differing(drawn, bytes(8)) >= _LEAST_DRAWN:
        return True
    return one[17] >> 4 == other[17] >> 4 == 2 and one[20:24] == other[20:24] and (one[19] ^ other[19]) & _RESPONSE != 0


def _behind_marker(data: bytes) -> bytes:
    return data[4:] if data[:4] == _MARKER else data


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
