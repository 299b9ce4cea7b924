"""SOME/IP."""

from pywall_protocols.industrial import someip

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(service, method, kind, body=b"", returned=0):
    identifiers = service.to_bytes(2, "big") + method.to_bytes(2, "big")
    return identifiers + (8 + len(body)).to_bytes(4, "big") + b"\0\1\0\2" + bytes([1, 1, kind, returned]) + body


REQUEST = message(0x1234, 1, 0, b"abc")
RESPONSE = message(0x1234, 1, 0x80, b"de")
DISCOVERY = message(0xFFFF, 0x8100, 2, bytes(20))

TestSomeipOverUdp = detector_contract(
    someip,
    [
        conversation("udp").client(REQUEST).server(RESPONSE),
        conversation("udp").client(DISCOVERY + REQUEST),
        conversation("udp").client(message(0x1234, 1, 0x81, returned=4)),
    ],
    [
        conversation("udp").client(REQUEST + b"\0"),
        conversation("udp").client(REQUEST[:-1]),
        conversation("udp").client(message(0x1234, 1, 0, returned=4)),
        conversation("udp").client(message(0, 1, 0)),
    ],
)
TestSomeipOverTcp = detector_contract(
    someip,
    [conversation().client(REQUEST).server(RESPONSE)],
    [conversation().client(REQUEST[:12] + b"\2" + REQUEST[13:]), conversation().client(b"GET / HTTP/1.1\r\n\r\n")],
)


def test_facts(ask):
    assert ask(someip, [REQUEST]).facts == {"service": 0x1234, "method": 1}
    assert ask(someip, REQUEST[:15]) is MORE
    assert ask(someip, REQUEST) is MORE
    assert ask(someip, [DISCOVERY + message(1, 1, 0x55)]) is NO


def test_an_echo_is_no_answer(ask):
    assert ask(someip, REQUEST, RESPONSE).confirmed
    assert ask(someip, REQUEST, REQUEST) is NO
