"""EtherNet/IP."""

from pywall_protocols.industrial import enip

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(command, data=b"", session=0, status=0):
    numbers = [(command, 2), (len(data), 2), (session, 4), (status, 4)]
    return b"".join(number.to_bytes(size, "little") for number, size in numbers) + b"context_" + bytes(4) + data


IDENTITY = message(0x63)
REGISTER = message(0x65, b"\1\0\0\0")
UNIT_DATA = message(0x70, bytes.fromhex("00000000 0000 0200 a10004002240 95ff b1000200 0100"), session=7)
CYCLIC = bytes.fromhex("0200 0280 0800 03064b00 db943f00 b100 0600 a587e80f0300")

TestEnipOverTcp = detector_contract(
    enip,
    [
        conversation().client(REGISTER).server(message(0x65, b"\1\0\0\0", session=7)),
        conversation().client(message(0) + REGISTER),
        conversation().client(UNIT_DATA),
    ],
    [
        conversation().client(message(0x65, b"\1\0\0\0\0")),
        conversation().client(message(0x67)),
        conversation().client(message(0x63, status=0x99)),
        conversation().client(bytes(200)),
        conversation().client(message(0x04, session=0x8003023B) + bytes(24)),  # BMP of version 4
    ],
)
TestEnipOverUdp = detector_contract(
    enip,
    [
        conversation("udp").client(IDENTITY).server(message(0x63, b"\1\0" + bytes(40))),
        conversation("udp").client(CYCLIC).server(CYCLIC),
    ],
    [conversation("udp").client(IDENTITY + b"\0"), conversation("udp").client(CYCLIC + b"\0")],
)


def test_facts(ask):
    assert ask(enip, REGISTER).facts == {"command": "register_session"}
    assert ask(enip, [CYCLIC]).protocol == "cipio"


def test_nothing_but_nothing(ask):
    assert ask(enip, message(0)) is MORE
    assert ask(enip, message(0) * 4) is NO


def test_an_answer_has_command_and_context_of_the_request(ask):
    answer = message(0x65, b"\1\0\0\0", session=7)
    assert ask(enip, REGISTER, answer).confirmed
    assert not ask(enip, REGISTER, answer.replace(b"context_", b"another_")).confirmed
    assert not ask(enip, REGISTER, message(0x63, bytes(40))).confirmed
