"""OICQ."""

from pywall_protocols.chat import oicq

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

ASK = b"\2\x11\x31\0\x02\x12\x34\0\1\xe2\x40" + bytes(range(30)) + b"\3"
ANSWER = b"\2\x11\x31\0\x02\x12\x34\0\1\xe2\x40" + bytes(range(9)) + b"\3"

TestOicq = detector_contract(
    oicq,
    [conversation("udp").client(ASK).server(ANSWER)],
    [conversation("udp").client(ASK[:-1]), conversation("udp").client(b"\2" + b"\xff" * 20 + b"\3")],
)


def test_the_answer_repeats_command_and_number(ask):
    assert not ask(oicq, [ASK]).confirmed
    assert not ask(oicq, [ASK], [b"\2\x11\x31\0\x03" + ANSWER[5:]]).confirmed
    assert ask(oicq, [b"\2\x11\x31\0\x03" + ASK[5:]]) is NO
    assert ask(oicq, [ASK], [ANSWER]).facts == {"command": 2}
