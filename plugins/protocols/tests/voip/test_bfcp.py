"""BFCP."""

from pywall_protocols.voip import bfcp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

HELLO = b"\x20\x0b\0\0\0\0\0\1\0\1\0\2" + b"\x20\x0c\0\2\0\0\0\1\0\1\0\2" + bytes(8)
ACK = b"\x20\x0c\0\1\0\0\0\1\0\1\0\2\x15\4\2\4"
OVER_UDP, UDP_ACK = b"\x40\x0b\0\0\0\0\0\1\0\1\0\2", b"\x50\x0c\0\1\0\0\0\1\0\1\0\2\x15\4\2\4"

TestOverTcp = detector_contract(
    bfcp,
    [conversation().client(HELLO).server(ACK)],
    [conversation().client(b"\x20\x40\0\0"), conversation().client(b"\x20\x0b\2\0" + bytes(20))],
)
TestOverUdp = detector_contract(
    bfcp,
    [conversation("udp").client(OVER_UDP).server(UDP_ACK)],
    [conversation("udp").client(OVER_UDP + b"\0"), conversation("udp").client(b"\x40\x0b\0\0" + bytes(8))],
)


def test_an_answer_is_of_the_same_transaction(ask):
    assert ask(bfcp, [OVER_UDP], [UDP_ACK]).confirmed
    assert not ask(bfcp, [OVER_UDP], [UDP_ACK[:9] + b"\7" + UDP_ACK[10:]]).confirmed
    assert ask(bfcp, b"\x61") is NO


def test_an_echo_is_no_answer(ask):
    assert not ask(bfcp, [OVER_UDP], [OVER_UDP]).confirmed


def test_a_request_for_a_floor_names_it(ask):
    assert ask(bfcp, b"\x20\2\0\0\0\0\0\1\0\1\0\2" + bytes(4)) is NO
    assert ask(bfcp, b"\x20\2\0\1\0\0\0\1\0\1\0\2\5\4\0\1").facts == {"primitive": 2}
