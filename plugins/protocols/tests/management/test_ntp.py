"""NTP."""

import pytest
from pywall_protocols.management import ntp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

CLIENT = bytes.fromhex("230306e8 000003f8 00080229 c0000201") + b"\xda\xb5\x1f\xe5" * 8
SERVER = bytes.fromhex("240206ea 000002b7 000008ac c0000203") + b"\xda\xb5\x1f\xe5" * 8
SIMPLE = b"\x1b" + bytes(47)
READ_VARIABLES = bytes.fromhex("160200010000000000000000")
VARIABLES = bytes.fromhex("16820001000000000000000b") + b'version="4"\0'
MONLIST = bytes.fromhex("1700032a00000000") + bytes(40)
MONLIST_REPLY = bytes.fromhex("d700032a00010048") + bytes(72)

TestNtp = detector_contract(
    ntp,
    [
        conversation("udp").client(CLIENT).server(SERVER),
        conversation("udp").client(SIMPLE),
        conversation("udp").client(CLIENT + bytes(20)),
        conversation("udp").client(CLIENT + bytes(72)).server(SERVER + bytes(72)),
        conversation("udp").client(CLIENT + b"\1\4\0\x24" + bytes(32) + b"\4\4\0\x28" + bytes(36)),
        conversation("udp").client(READ_VARIABLES).server(VARIABLES),
        conversation("udp").client(MONLIST).server(MONLIST_REPLY),
        conversation("udp").client(SERVER).server(CLIENT),
    ],
    [
        conversation("udp").client(CLIENT[:47]),
        conversation("udp").client(CLIENT + b"\1\4\0\x30" + bytes(36)),
        conversation("udp").client(b"\x24" + SERVER[1:40] + bytes(8)),
        conversation("udp").client(b"\xe7\1\0\0\0\1\0\0\0\0\0\0\6isatap\0\0\1\0\1"),
    ],
)


def test_a_question_that_is_sent_back_as_an_answer_is_none(ask):
    question = b"\x23" + CLIENT[1:24] + bytes(8) + CLIENT[32:]
    assert not ask(ntp, [question], [b"\x24" + question[1:]]).confirmed
    assert ask(ntp, [question], [b"\x24\1" + question[2:12] + b"GPS\0" + question[16:]]).confirmed


def test_facts(ask):
    answer = ask(ntp, [CLIENT], [SERVER])
    assert answer.confirmed
    assert answer.facts == {"version": 4, "mode": 3, "stratum": 3}


@pytest.mark.parametrize(("at", "byte"), [(0, 0x2B), (1, 17), (2, 64), (3, 0x80), (4, 9), (8, 1)])
def test_impossible_fields(ask, at, byte):
    assert ask(ntp, [CLIENT[:at] + bytes([byte]) + CLIENT[at + 1 :]]) is NO
