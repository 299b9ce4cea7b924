"""TFTP."""

import pytest
from pywall_protocols.files import tftp

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract, make_flow

READ = b"\0\1firmware.bin\0octet\0"
WRITE = b"\0\2a.txt\0NetASCII\0blksize\0001428\0tsize\0000\0"
BLOCK = b"\0\3\0\1" + b"x" * 512

UNCONFIRMED = Match("tftp", confirmed=False, done=False)

TestTftp = detector_contract(
    tftp,
    [
        conversation("udp").client(READ).server(BLOCK),
        conversation("udp").client(WRITE),
        conversation("udp").client(b"\0\4\0\0").server(BLOCK),
        conversation("udp").client(BLOCK).server(b"\0\4\0\1"),
    ],
    [
        conversation("udp").client(b"\0\1file\0other\0"),
        conversation("udp").client(b"\0\1\1\2\3\0octet\0"),
        conversation("udp").client(BLOCK).server(b"\0\4\0\7"),
        conversation("udp").client(BLOCK).server(BLOCK),
    ],
)


def test_a_request_announces_its_transfer():
    flow = make_flow(proto=17, client_sizes=(len(READ),))
    assert tftp.pywall_detect(flow, READ, b"").facts == {"packet": "read", "file": "firmware.bin", "mode": "octet"}
    assert flow.engine.expected == [("tftp", 17, flow.src, flow.sport, None)]


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (BLOCK, UNCONFIRMED),
        (b"\0\5\0\1no\0", UNCONFIRMED),
        (b"\0\x06blksize\x001428\0", UNCONFIRMED),
        (b"\0\4\0\0", UNCONFIRMED),
        (b"\0\3\0\7" + b"x" * 512, MORE),
        (b"\0\5\0\x63no\0", MORE),
        (b"\0\7\0\1", NO),
    ],
)
def test_an_announced_transfer(ask, data, answer):
    assert ask(tftp, [data], expected="tftp") == answer


def test_a_transfer_that_nobody_announced_waits_for_the_other_side(ask):
    assert ask(tftp, [BLOCK]) is MORE


def test_options_tell_a_transfer_whose_request_was_not_seen(ask):
    assert ask(tftp, [b"\0\6blksize\x001468\0tsize\x00100000\0"]) == UNCONFIRMED
    assert ask(tftp, [b"\0\6colour\0red\0"]) is MORE
