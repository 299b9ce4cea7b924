"""BACnet/IP."""

import pytest
from pywall_protocols.industrial import bacnet

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

READ = bytes.fromhex("810a0012 0104 0005010c0c0000 0001194d00")
VALUE = bytes.fromhex("810a0013 0100 30010c0c00000001194d3e 0000000000")
WHO_IS = bytes.fromhex("810b000c 0120ffff00ff1008")
REGISTER = bytes.fromhex("81050006 0384")

TestBacnet = detector_contract(
    bacnet,
    [
        conversation("udp").client(READ).server(VALUE[:17] + b"\0\0"),
        conversation("udp").client(WHO_IS),
        conversation("udp").client(REGISTER).server(bytes.fromhex("810000060000")),
        conversation("udp").client(b"\x82\x01\0\x0f" + bytes(11)),
    ],
    [
        conversation("udp").client(WHO_IS + b"\0"),
        conversation("udp").client(b"\x81\xc8\0\x0c" + bytes(8)),
        conversation("udp").client(b"\x81\5\0\7\0\0\0"),
    ],
)


@pytest.mark.parametrize(("data", "function"), [(READ, 10), (WHO_IS, 11), (REGISTER, 5)])
def test_facts(ask, data, function):
    assert ask(bacnet, [data]).facts == {"function": function}


@pytest.mark.parametrize("body", [b"\1\0\x0e" + bytes(10), b"\2\0\4", b"\7\0\x18" + bytes(20), b"\6\0\4"])
def test_lengths_of_functions(ask, body):
    assert ask(bacnet, [b"\x81" + body])
    assert ask(bacnet, [b"\x81" + body[:2] + bytes([body[2] + 1]) + body[3:] + b"\0"]) is NO
