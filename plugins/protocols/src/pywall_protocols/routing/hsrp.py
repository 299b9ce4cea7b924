"""Hot Standby Router Protocol, versions 0 (RFC 2281) and 2.

:checked: operation, state, times, reserved byte and authentication as text in 20 bytes; or version 2's values of
    a group's or an interface's state
:source: RFC 2281 section 5; Cisco, HSRP version 2 (values by Wireshark's packet-hsrp.c)
:minimum: the first datagram, 6 bytes
:facts: version, group
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import u16

api_version = 1
protocols = ("hsrp",)
transport = "udp"
tier = "structural"
first_client = b"\0\1\2"
first_server = None

_STATES: Final = (0, 1, 2, 4, 8, 16)
#: the text, or the digest that follows at byte 20
_authentication = re.compile(rb"[ -~]{0,8}\0*\Z").match
_GROUP_STATE: Final = b"\1\x28\2"
#: version 1: the state of an interface, in 14 bytes
_ADVERTISEMENT: Final = b"\0\3\0\1\0\x0e"
#: bytes of another message of version 1, without and with a digest
_SIZES: Final = (20, 50)
#: version 2: how many groups of an interface are active, and passive
_INTERFACE_STATE: Final = b"\2\4"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect HSRP."""
    return by_beacon("hsrp", _message, flow, client)


def _message(data: bytes) -> Evidence:
    if data.startswith(_GROUP_STATE):
        holds = len(data) >= 42 and data[3] <= 2 and data[4] <= 6 and data[5] in (4, 6)
        return {"version": 2, "group": u16(data, 6)} if holds else NO
    if data.startswith(_INTERFACE_STATE):
        return {"version": 2} if len(data) == 6 and not data[2] | data[4] else NO
    if data.startswith(_ADVERTISEMENT):
        return {"version": 0} if len(data) == 16 and 1 <= data[6] <= 3 and not data[7] else NO
    if len(data) not in _SIZES or data[0] or data[1] > 2 or data[2] not in _STATES or data[7] or not any(data[16:20]):
        return NO
    if not 0 < data[3] <= data[4]:  # seconds between hellos, and until a silent router counts as lost
        return NO
    return {"version": 0, "group": data[6]} if any(data[8:16]) and _authentication(data[8:16]) else NO
