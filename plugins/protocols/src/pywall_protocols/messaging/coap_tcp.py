"""Constrained Application Protocol over TCP.

:checked: of both sides the message of capabilities and settings with which each begins, by length and options
:source: RFC 8323 sections 3.2, 5.3; RFC 8974 section 2.2.2
:minimum: 3 bytes of each side
:facts: code
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream

api_version = 1
protocols = ("coap",)
transport = "tcp"
tier = "structural"
#: four bits of length, no token; 13 and more options there are none
first_client = first_server = bytes(length << 4 for length in range(1, 13))

_SETTINGS: Final = 0xE1
#: greatest length of each option: largest message, whether blocks may be long, length of tokens
_OPTIONS: Final = {2: 4, 4: 0, 6: 3}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect CoAP over TCP."""
    return by_stream("coap", _settings, client, server)


def _settings(data: bytes) -> Evidence:
    if data[0] not in first_client or (len(data) > 1 and data[1] != _SETTINGS):
        return NO
    end = 2 + (data[0] >> 4)
    at, number, seen = 2, 0, 0
    while at < min(end, len(data)):
        number += data[at] >> 4
        length = data[at] & 15
        if length > _OPTIONS.get(number, -1) or (number == seen):
            return NO
        seen = number
        at += 1 + length
    if len(data) < end:
        return MORE
    return {"code": "7.01"} if at == end else NO
