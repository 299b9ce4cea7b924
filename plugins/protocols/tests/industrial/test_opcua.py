"""OPC UA."""

from pywall_protocols.industrial import opcua

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

URL = b"opc.tcp://192.0.2.1:4840"


def message(kind, body):
    return kind + (8 + len(body)).to_bytes(4, "little") + body


HELLO = message(b"HELF", bytes(20) + len(URL).to_bytes(4, "little") + URL)
ACKNOWLEDGE = message(b"ACKF", bytes(20))
OPEN = message(b"OPNF", bytes(100))

TestOpcua = detector_contract(
    opcua,
    [
        conversation().client(HELLO + OPEN).server(ACKNOWLEDGE),
        conversation().client(message(b"MSGC", bytes(60))).server(message(b"ERRF", bytes(12))),
    ],
    [
        conversation().client(b"HELO example.com\r\n" + bytes(40)),
        conversation().client(message(b"HELF", bytes(20) + b"\7\0\0\0" + URL)),
        conversation().server(message(b"ACKF", bytes(24))),
        conversation().client(b"MSGF\0\0\0\0\0\0"),
    ],
)


def test_facts(ask):
    assert ask(opcua, HELLO, ACKNOWLEDGE).facts == {"message": "HEL", "url": URL.decode()}
    assert ask(opcua, HELLO[:40]) is MORE
    assert ask(opcua, b"HELO exa") is NO
