"""Virtual eXtensible LAN, with group policy.

:checked: the flag of a network identifier, reserved bytes of zero or an IP packet, and an Ethernet frame
:source: RFC 7348 section 5; draft-smith-vxlan-group-policy
:minimum: the first datagram, 26 bytes
:facts: vni
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram
from ..parsing.inner import ethernet_frame, frame_tells
from ..parsing.wire import u16, u24

api_version = 1
protocols = ("vxlan",)
transport = "udp"
tier = "structural"
first_client = b"\x08\x88"
first_server = first_client

_HEADER: Final = 8
_IP: Final = (0x0800, 0x86DD)
_POLICY: Final = 0x80
#: bits of the second byte with a group policy: don't learn, applied
_POLICY_BITS: Final = 0x48


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect VXLAN."""
    found = by_datagram("vxlan", _message, flow, client, server)
    if (
        isinstance(found, Match)
        and found.confirmed
        and not (frame_tells(client, _HEADER) and frame_tells(server, _HEADER))
    ):
        return Match("vxlan", found.facts, confirmed=False)
    return found


def _message(data: bytes) -> Evidence:
    if len(data) < _HEADER + 14 or data[7] or not ethernet_frame(data, _HEADER):
        return NO
    policy = data[0] & _POLICY
    reserved = data[1] & ~(_POLICY_BITS if policy else 0) or (not policy and (data[2] or data[3]))
    # what is reserved is to be ignored, if the packet inside ends where the datagram does
    return NO if reserved and u16(data, _HEADER + 12) not in _IP else {"vni": u24(data, 4)}
