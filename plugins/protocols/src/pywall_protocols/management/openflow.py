"""OpenFlow, by the HELLO of both sides.

:checked: version 1.0 to 1.5, type HELLO, a length that its elements fill, of the switch and of the controller
:source: OpenFlow Switch Specification 1.3.5 sections 7.1 and 7.5.1
:minimum: 8 bytes of each side
:facts: version
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, client_first, goes_on
from ..parsing.wire import u16

api_version = 1
protocols = ("openflow",)
transport = "tcp"
tier = "structural"
first_client = bytes(range(1, 7))
first_server = bytes(range(1, 7))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect OpenFlow."""
    proved = goes_on(client, server, u16(server, 2) if len(server) >= 4 else 0)  # hellos may be equal
    return client_first("openflow", _side(client), _side(server), _describe, client, server, proved=proved)


def _describe(client: bytes, server: bytes) -> Description:
    return Description({"version": f"1.{client[0] - 1}"})


def _side(data: bytes) -> Evidence:
    if (data and not 1 <= data[0] <= 6) or data[1:2] > b"\0" or data[2:3] > b"\0":
        return NO
    if len(data) < 8:
        return MORE
    size = u16(data, 2)
    if size == 8:
        return HINT
    if size < 16 or size > 64 or size % 8:
        return NO
    if len(data) < 12:
        return MORE
    return YES if u16(data, 8) == 1 and 8 <= u16(data, 10) <= size - 8 and u16(data, 10) % 4 == 0 else NO
