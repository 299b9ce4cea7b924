"""RDP over UDP whose beginning was not seen, by its data packets: sequence numbers and acknowledgements of both sides.

:checked: the flags of an acknowledgement with data, the vector of acknowledgements, a sequence number and its
    repetition, and a record of TLS or DTLS behind it; both sides: each acknowledges a packet near the other's
:source: MS-RDPEUDP sections 2.2.2.1, 2.2.2.6, 2.2.3.1 and 2.2.2.4
:minimum: a datagram of 25 bytes
:facts: none
"""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams, u16, u32

api_version = 1
protocols = ("rdp",)
transport = "udp"
tier = "heuristic"
first_client = None
first_server = None

_ACK, _DATA = 4, 8
_HEADER: Final = 8
_RECORD: Final = 5
_CONTENT: Final = (20, 21, 22, 23)
_VERSIONS: Final = (b"\3\1", b"\3\2", b"\3\3", b"\xfe\xff", b"\xfe\xfd")
#: packets of a side that are looked at: acknowledgements alone are among them
_MOST: Final = 4
_NEAR: Final = 64
_LONGEST_VECTOR: Final = 2048


class Packet(NamedTuple):
    """What a packet with data acknowledges, and its own sequence number."""

    acknowledged: int
    number: int


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RDP over UDP from the middle."""
    if not client:
        return MORE
    sent = _first_data(client, flow.client_sizes)
    if sent is None:
        waits = len(flow.client_sizes) < _MOST and _is_acknowledgement(client, flow.client_sizes[0])
        return MORE if waits else NO
    received = _first_data(server, flow.server_sizes)
    if received is None:
        return Match("rdp", confirmed=False, done=len(flow.server_sizes) >= _MOST)
    near = _is_near(sent.acknowledged, received.number) and _is_near(received.acknowledged, sent.number)
    return Match("rdp", confirmed=near)


def _first_data(data: bytes, sizes: tuple[int, ...]) -> Packet | None:
    """Return the first packet with data among the first ones of a side."""
    for packet in islice(datagrams(data, sizes), _MOST):
        if (found := _with_data(packet)) is not None:
            return found
    return None


def _with_data(packet: bytes) -> Packet | None:
    if len(packet) < 25 or u16(packet, 6) != _ACK | _DATA:
        return None
    vector = u16(packet, 8)
    at = _HEADER + (2 + vector + 3) // 4 * 4  # the vector is padded to whole words
    if vector > _LONGEST_VECTOR or len(packet) < at + 8 + _RECORD:
        return None
    record = packet[at + 8 : at + 8 + _RECORD]
    if packet[at : at + 4] != packet[at + 4 : at + 8] or record[0] not in _CONTENT or record[1:3] not in _VERSIONS:
        return None
    return Packet(u32(packet, 0), u32(packet, at))


def _is_acknowledgement(data: bytes, size: int) -> bool:
    """Return True if the first datagram is an acknowledgement alone."""
    return _HEADER + 4 <= size <= 32 and u16(data, 6) == _ACK and u16(data, 8) <= 16


def _is_near(one: int, other: int) -> bool:
    distance = (one - other) & 0xFFFFFFFF
    return min(distance, -distance & 0xFFFFFFFF) < _NEAR
