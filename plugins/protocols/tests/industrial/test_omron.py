"""FINS."""

from pywall_protocols.industrial import omron

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

READ = bytes.fromhex("800002 000a00 000100 07 0101 82000000000a")
VALUES = bytes.fromhex("c00002 000100 000a00 07 0101 0000") + bytes(20)
CONNECT = b"FINS" + bytes.fromhex("0000000c 00000000 00000000 00000000")

TestOmronOverUdp = detector_contract(
    omron,
    [conversation("udp").client(READ).server(VALUES)],
    [
        conversation("udp").client(READ.replace(b"\1\1\x82", b"\1\7\x82")),
        conversation("udp").client(b"\x80\1" + READ[2:]),
        conversation("udp").client(READ[:11]),
    ],
)
TestOmronOverTcp = detector_contract(
    omron,
    [conversation().client(CONNECT).server(CONNECT.replace(b"\0\0\0\x0c\0\0\0\0", b"\0\0\0\x10\0\0\0\1") + bytes(4))],
    [conversation().client(b"FINS" + bytes(12)), conversation().client(b"FINISH the sentence")],
)


def test_facts(ask):
    assert ask(omron, [READ], [VALUES]).facts == {"command": "0x0101"}
    assert ask(omron, CONNECT[:15]) is MORE
    assert ask(omron, b"FINE") is NO
