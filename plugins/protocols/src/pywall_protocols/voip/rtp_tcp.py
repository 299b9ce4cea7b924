"""RTP over TCP, each packet behind its length.

:checked: lengths that chain, version 2, and two packets of one source and kind whose numbers follow each other
:source: RFC 4571 section 2; RFC 3550 section 5.1
:minimum: the first packet and 16 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import u16

api_version = 1
protocols = ("rtp",)
transport = "tcp"
tier = "heuristic"
first_client = bytes(range(6))
first_server = None

_HEADER: Final = 12
_LONGEST: Final = 1500


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RTP over TCP. Who receives need not answer, so that it is never confirmed."""
    if len(client) < 4:
        return MORE
    length = u16(client, 0)
    if not _HEADER <= length <= _LONGEST or client[2] >> 6 != 2:
        return NO
    second = client[2 + length :]
    if len(second) < 2 + _HEADER:
        return MORE
    first = client[2:]
    follows = u16(second, 4) == (u16(first, 2) + 1) & 0xFFFF and second[10:14] == first[8:12]
    alike = second[2] >> 6 == 2 and (second[3] ^ first[1]) & 0x7F == 0 and _HEADER <= u16(second, 0) <= _LONGEST
    return Match("rtp", confirmed=False) if follows and alike else NO
