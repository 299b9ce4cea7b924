"""RTP: packets that follow each other."""

import struct

from pywall_protocols.voip import rtp

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract


def packet(number: int, clock: int, source: int = 0xF6BF57E2, kind: int = 0, first: int = 0x80) -> bytes:
    return struct.pack("!BBHII", first, kind, number & 0xFFFF, clock & 0xFFFFFFFF, source) + bytes(160)


OPENER = bytes.fromhex("cefaedfe")
STREAM = [packet(65535 + n, 0xFFFFFF00 + 160 * n) for n in range(3)]


def talk(client, server=()):
    said = conversation("udp")
    for each in client:
        said = said.client(each)
    for each in server:
        said = said.server(each)
    return said


TestContract = detector_contract(
    rtp,
    positives=[talk(STREAM), talk(STREAM, STREAM), talk([OPENER, OPENER], STREAM), talk([OPENER, *STREAM], STREAM)],
    negatives=[
        talk([STREAM[0]] * 3),
        talk([STREAM[0], packet(9000, 160), STREAM[2]]),
        talk([STREAM[0], packet(0, 160, source=7), STREAM[2]]),
        talk([packet(n, 160 * n, kind=72) for n in range(3)]),
        talk([packet(n, n << 28) for n in range(3)]),
        talk([packet(n, 160 * n, first=0x90)[:12] for n in range(3)]),
    ],
)


def test_one_direction_is_enough(ask):
    assert ask(rtp, STREAM) == Match("rtp", confirmed=False, done=False)


def test_a_packet_sent_again_counts_once(ask):
    """Before a call phones send one packet several times, to open a NAT."""
    assert isinstance(ask(rtp, [STREAM[0], *STREAM]), Match)
    assert isinstance(ask(rtp, [STREAM[0]] * 5 + STREAM[1:]), Match)
    assert ask(rtp, [STREAM[0]] * 5 + STREAM[1:2]) is MORE


def test_an_announced_flow_needs_less(ask):
    assert ask(rtp, STREAM[:2]) is MORE
    assert isinstance(ask(rtp, STREAM[:2], expected="rtp"), Match)


def test_video_frames_may_go_back(ask):
    assert isinstance(ask(rtp, [packet(1, 9000), packet(2, 3000), packet(3, 6000)]), Match)
    assert ask(rtp, [packet(1, 9000), packet(2, 9000 + (1 << 24))]) is NO


def test_a_packet_that_was_overtaken_is_late(ask):
    assert isinstance(ask(rtp, [STREAM[0], STREAM[2], STREAM[1]]), Match)
    assert ask(rtp, [packet(9, 0), packet(8, 0), packet(4, 0)]) is NO
