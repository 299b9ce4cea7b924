"""RTCP: compound packets."""

import struct

from pywall_protocols.voip import rtcp

from pywall_core.api import Match
from pywall_core.testing import detector_contract


def part(kind: int, words: int, count: int = 0) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, words) + b"\x11\x22\x33\x44" + bytes(4 * words - 4)


SENDER = part(200, 12, 1)
RECEIVER = part(201, 7, 1)
DESCRIPTION = part(202, 3, 1)

TestContract = detector_contract(
    rtcp,
    positives=[(SENDER + DESCRIPTION, RECEIVER + DESCRIPTION), (RECEIVER, b""), (b"", part(206, 2, 1))],
    negatives=[
        (SENDER[:-4], b""),
        (SENDER + b"\0\0\0\0", b""),
        (DESCRIPTION, b""),
        (part(200, 11, 1), b""),
        (part(201, 1, 3), b""),
        (b"\x80\x00\x00\x01" + bytes(168), b""),
    ],
)


def test_one_direction_is_enough(ask):
    assert ask(rtcp, [SENDER + DESCRIPTION]) == Match("rtcp", confirmed=False, done=False)
