"""Precision Time Protocol, version 2.

:checked: a known message of version 2, a length that is the datagram's or leaves padding and fits the message, and the
    control field that belongs to it
:source: IEEE 1588-2008 clause 13; 1588-2019 (minor version)
:minimum: the first datagram, 44 bytes
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u16

api_version = 1
protocols = ("ptp",)
transport = "udp"
tier = "structural"
first_client = bytes(n for n in range(256) if n & 15 in (0, 1, 2, 3, 8, 9, 10, 11, 12, 13))
first_server = None

#: name, least length, value of the control field
_MESSAGES: Final = {
    0x0: ("sync", 44, 0),
    0x1: ("delay_req", 44, 1),
    0x2: ("pdelay_req", 54, 5),
    0x3: ("pdelay_resp", 54, 5),
    0x8: ("follow_up", 44, 2),
    0x9: ("delay_resp", 54, 3),
    0xA: ("pdelay_resp_follow_up", 54, 5),
    0xB: ("announce", 64, 5),
    0xC: ("signaling", 44, 5),
    0xD: ("management", 48, 4),
}
_PADDING: Final = 16


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect PTP."""
    return by_beacon("ptp", _message, flow, client)


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 44 or data[1] & 15 != 2 or data[1] >> 4 > 1 or data[0] & 15 not in _MESSAGES:
        return NO
    name, least, control = _MESSAGES[data[0] & 15]
    length = u16(data, 2)
    # since 2019 the control field is 0 unless an old master needs it
    holds = least <= length <= size <= length + _PADDING and data[32] in (control, 0) and data[4] < 128
    return {"message": name} if holds else NO
