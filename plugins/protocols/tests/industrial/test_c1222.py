"""ANSI C12.22."""

from pywall_protocols.industrial import c1222

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract

CALLED = b"\xa2\x07\x06\x05\x60\x00\x02\x00\x01"
CALLING = b"\xa6\x07\x06\x05\x60\x00\x02\x00\x02" + b"\xa8\x03\x02\x01\x01"
USER = b"\xbe\x07\x28\x05\x81\x03\x80\x01\x20"
REQUEST = b"\x60\x20" + CALLED + CALLING + USER
RESPONSE = b"\x60\x81\x12" + CALLED + USER

TestC1222 = detector_contract(
    c1222,
    [conversation().client(REQUEST).server(RESPONSE), conversation("tcp").client(RESPONSE)],
    [
        conversation().client(b"\x60\x09" + USER),
        conversation().client(b"\x60\x12" + CALLED + b"\xbe\x07\x30" + USER[3:]),
        conversation().client(bytes.fromhex("600b06062b060105050202030102")),
        conversation().client(b"\x60\x09" + CALLED),
    ],
)
TestC1222OverUdp = detector_contract(
    c1222, [conversation("udp").client(REQUEST)], [conversation("udp").client(REQUEST[:-1])]
)


def test_the_whole_message_is_waited_for(ask):
    assert ask(c1222, REQUEST[:-1]) is MORE
    assert ask(c1222, REQUEST, RESPONSE).confirmed
