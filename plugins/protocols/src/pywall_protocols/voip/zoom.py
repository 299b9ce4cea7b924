"""Zoom's media over UDP, through its servers or between two clients.

:checked: the opening of both sides (1 and 2, zero, 2 or 3), or a media packet with RTP or RTCP where its kind has it,
    twice; between clients the opening of one
:source: Michel et al., Enabling Passive Measurement of Zoom Performance in Production Networks (IMC 2022), section 4;
    recorded traffic
:minimum: one datagram of each side, or two
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams, first_datagram

api_version = 1
protocols = ("zoom",)
transport = "udp"
tier = "heuristic"
first_client = b"\1\2\5\x1f"
first_server = None

_OPENINGS: Final = (b"\1\0\3", b"\1\0\2")
_ANSWERS: Final = (b"\2\0\3", b"\2\0\2")
#: a test of the way, whose answer repeats 16 bytes
_TEST: Final = b"\1\0\2"
_TESTED: Final = b"\2\0\1"
_TEST_END: Final = 20
_BETWEEN_CLIENTS: Final = b"\x1f\2\1"
_MEDIA: Final = 5
#: bytes of the server's encapsulation
_ENVELOPE: Final = 8
#: kind of media, and where RTP or RTCP begins: video, audio, screen, screen between clients, reports
_RTP_AT: Final = {16: 24, 15: 19, 13: 27, 30: 20, 33: 16, 34: 16, 35: 16}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Zoom. What is known of it is never confirmed."""
    first, reply = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    if not first:
        return MORE
    if first.startswith(_BETWEEN_CLIENTS) and len(first) > _ENVELOPE:
        return Match("zoom", confirmed=False)
    if first[0] == _MEDIA:
        packets = [packet for packet, _ in zip(datagrams(client, flow.client_sizes), range(2), strict=False)]
        if not all(map(_is_media, packets)):
            return NO
        return Match("zoom", confirmed=False) if len(packets) == 2 else MORE
    if first.startswith(_TEST) and len(first) >= _TEST_END:
        repeated = reply.startswith(_TESTED) and reply[4:_TEST_END] == first[4:_TEST_END]
        if repeated:
            return Match("zoom", confirmed=False)
    for one, other in ((_OPENINGS, _ANSWERS), (_ANSWERS, _OPENINGS)):
        if first.startswith(one) and len(first) > _ENVELOPE:
            if not reply:
                return MORE
            return Match("zoom", confirmed=False) if reply.startswith(other) and len(reply) > _ENVELOPE else NO
    return NO


def _is_media(packet: bytes) -> bool:
    if len(packet) <= _ENVELOPE or packet[0] != _MEDIA:
        return False
    at = _ENVELOPE + _RTP_AT.get(packet[_ENVELOPE], len(packet))
    return len(packet) >= at + 8 and packet[at] >> 6 == 2
