"""RTCP, by compound packets whose lengths end where the datagram does.

:checked: version 2 and a packet type from 200 to 207 in every packet of the first datagram, the first a report (or
    feedback, which reduced-size RTCP allows), counts that fit the lengths;
    of SRTCP the first packet's header and the number behind the encrypted rest
:source: RFC 3550 section 6; RFC 4585 section 6; RFC 5506; RFC 3611; RFC 3711 section 3.4
:minimum: one datagram of 8 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import differing, is_answered
from ..parsing.evidence import alike
from ..parsing.wire import datagrams, first_datagram, u16

api_version = 1
protocols = ("rtcp",)
transport = "udp"
tier = "structural"
first_client = first_server = bytes(range(0x80, 0xC0))

SENDER_REPORT, RECEIVER_REPORT, SDES, BYE, APP, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK, XR = range(200, 208)
#: SRTCP: mark and number, tag; and how late a capture may begin
_SECURED: Final = 4 + 10
_FIRST_NUMBERS: Final = 1024
#: bytes of two sources, which are drawn, that differ at least
_LEAST_DRAWN: Final = 3
_FIRST: Final = (SENDER_REPORT, RECEIVER_REPORT, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RTCP."""
    sent, received = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    client_says, server_says = _says(sent), _says(received)
    proved = client_says is YES and server_says is YES and _is_answered(flow, client, server)
    return alike("rtcp", client_says, server_says, proved=proved)


def _is_answered(flow: Flow, client: bytes, server: bytes) -> bool:
    sent, received = datagrams(client, flow.client_sizes), datagrams(server, flow.server_sizes)
    return is_answered(
        (each for each in sent if _says(each) is YES), (each for each in received if _says(each) is YES), _belong
    )


def _belong(one: bytes, other: bytes) -> bool:
    return differing(one[4:8], other[4:8]) >= _LEAST_DRAWN


def _says(datagram: bytes) -> Answer:
    size = len(datagram)
    if not size:
        return MORE
    if size < 8 or datagram[1] not in _FIRST or not _count_fits(datagram):
        return NO
    if _is_secured(datagram):
        return YES
    if size % 4:
        return NO
    at = 0
    while at + 4 <= size and datagram[at] >> 6 == 2 and SENDER_REPORT <= datagram[at + 1] <= XR:
        at += 4 + 4 * u16(datagram, at + 2)
    return YES if at == size else NO


def _is_secured(datagram: bytes) -> bool:
    """SRTCP: behind the encrypted rest a mark, the packet's number, which begins at 0 or 1, and a tag of 80 bits."""
    at = len(datagram) - _SECURED
    return at >= 8 and u16(datagram, at) == 0x8000 and u16(datagram, at + 2) <= _FIRST_NUMBERS


def _count_fits(packet: bytes) -> bool:
    """Return whether the length of a report is that of its blocks (profile-specific extensions may follow)."""
    count, length = packet[0] & 0x1F, u16(packet, 2)
    if packet[1] == SENDER_REPORT:
        return length >= 6 + 6 * count
    if packet[1] == RECEIVER_REPORT:
        return length >= 1 + 6 * count
    return length >= 2
