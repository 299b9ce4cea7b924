"""RTP, by its fixed header over several packets of one source.

:checked: version 2, a payload type that is not RTCP's, one SSRC, sequence numbers that follow each other and timestamps
    near each other, over three datagrams of a side; two where a signalling protocol announced the flow
:source: RFC 3550 section 5.1; RFC 5761 section 4 (payload types 64 to 95 are left to RTCP)
:minimum: three datagrams of 12 bytes
:facts: none
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import alike
from ..parsing.wire import datagrams, distinct, u16, u32

api_version = 1
protocols = ("rtp",)
transport = "udp"
tier = "heuristic"
first_client = first_server = bytes(range(0x80, 0xC0)) + b"\xce"

#: what players with live555 send to open the way through a NAT
_OPENER: Final = b"\xce\xfa\xed\xfe"

#: Highest step between the sequence numbers of packets that follow each other.
STEP: Final = 4
#: packets by which one that was overtaken may be late
_LATE: Final = 2
#: Highest step between their timestamps, in units of the sender's clock: 10 s of video, whose frames may go back too.
CLOCK_STEP: Final = 900_000
_WANTED: Final = 3


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RTP."""
    wanted = _WANTED - 1 if flow.expected == "rtp" else _WANTED
    client_says = _says(client, flow.client_sizes, wanted)
    return alike("rtp", client_says, _says(server, flow.server_sizes, wanted))


def _says(data: bytes, sizes: tuple[int, ...], wanted: int) -> Answer:
    packets = []
    for packet in distinct(datagrams(data, sizes)):  # one sent again, to keep a NAT open, tells nothing new
        if packet == _OPENER:
            continue
        if not _header_fits(packet):
            return NO
        packets.append(packet)
        if len(packets) == wanted:
            break
    steps = 0
    for before, after in pairwise(packets):
        step = u16(after, 2) - u16(before, 2) & 0xFFFF
        clock = u32(after, 4) - u32(before, 4) & 0xFFFFFFFF
        if before[8:12] != after[8:12] or STEP < step < 0x10000 - _LATE or CLOCK_STEP < clock < (1 << 32) - CLOCK_STEP:
            return NO
        steps += step > 0
    return YES if len(packets) == wanted and steps else MORE


def _header_fits(packet: bytes) -> bool:
    size = len(packet)
    if size < 12 or packet[0] >> 6 != 2 or 64 <= packet[1] & 0x7F <= 95:
        return False
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if at + 4 > size:
            return False
        at += 4 + 4 * u16(packet, at + 2)
    padding = packet[-1] if packet[0] & 0x20 else 0
    return at + padding <= size and (not packet[0] & 0x20 or padding > 0)
