"""ZRTP: keys for SRTP, agreed on in the media stream.

:checked: the cookie ``ZRTP`` and a message's preamble with a length that is the datagram's
:source: RFC 6189 sections 5 and 5.1
:minimum: the first datagram, 28 bytes
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import text, u16

api_version = 1
protocols = ("zrtp",)
unseen = protocols
transport = "udp"
tier = "exact"
first_client = b"\x10"
first_server = b"\x10"

_COOKIE: Final = b"ZRTP"
_PREAMBLE: Final = b"\x50\x5a"
_HEADER: Final = 12
_CRC: Final = 4


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ZRTP."""
    return by_datagram("zrtp", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    if len(data) < 28 or data[4:8] != _COOKIE or data[12:14] != _PREAMBLE:
        return NO
    if data[0] != 0x10 or data[1] or 4 * u16(data, 14) + _HEADER + _CRC != len(data):
        return NO
    return {"message": text(data[16:24].strip())}
