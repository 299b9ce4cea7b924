"""RTCP: compound packets."""

import struct

from pywall_protocols.voip import rtcp

from pywall_core.api import NO, Match
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


def test_a_number_behind_what_is_encrypted(ask):
    secured = bytes.fromhex("81c90007549aa5da") + bytes(range(56)) + bytes.fromhex("80000001a3d6b259ba83cb65fc8f")
    assert ask(rtcp, [secured]).protocol == "rtcp"
    assert ask(rtcp, [secured], [secured[:4] + b"peer" + secured[8:]]).confirmed
    assert ask(rtcp, [secured[:-14] + b"\x90" + secured[-13:]]) is NO
