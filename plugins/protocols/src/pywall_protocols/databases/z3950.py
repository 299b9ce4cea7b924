"""Z39.50 information retrieval, by the initialization.

:checked: initRequest and initResponse: their tags, lengths, protocol version and options as bit strings, message
    sizes
:source: ANSI/NISO Z39.50-2003 (ISO 23950) appendix 3.1
:minimum: 12 bytes
:facts: none
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import tlv

api_version = 1
protocols = ("z3950",)
transport = "tcp"
tier = "exact"
first_client = b"\xb4"
first_server = b"\xb5"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Z39.50."""
    return client_first("z3950", _side(client, 0xB4), _side(server, 0xB5))


def _side(data: bytes, tag: int) -> Evidence:
    if data and data[0] != tag:
        return NO
    if len(data) < 32:
        return MORE
    outer = tlv(data, 0)
    at = outer[1] if outer else 0
    for expected in (0x82, 0x83, 0x84, 0x85):
        inner = tlv(data, at)
        if inner is None or (inner[0] != expected and expected != 0x82) or inner[2] - inner[1] > 64:
            return NO
        at = inner[2] if inner[0] == expected else at
    return YES
