"""DoIP."""

from pywall_protocols.industrial import doip

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(kind, body, version=2):
    return bytes([version, version ^ 0xFF]) + kind.to_bytes(2, "big") + len(body).to_bytes(4, "big") + body


IDENTIFY = message(1, b"", version=0xFF)
VEHICLE = message(4, b"V" * 17 + bytes(15))
DIAGNOSTIC = message(0x8001, b"\x0e\x80\x40\x10\x22\xf1\x01")
ACKNOWLEDGE = message(0x8002, b"\x40\x10\x0e\x80\0")

TestDoipOverUdp = detector_contract(
    doip,
    [conversation("udp").client(IDENTIFY).server(VEHICLE)],
    [conversation("udp").client(VEHICLE + b"\0"), conversation("udp").client(message(9, b""))],
)
TestDoipOverTcp = detector_contract(
    doip,
    [conversation().client(DIAGNOSTIC).server(ACKNOWLEDGE)],
    [conversation().client(b"\2\xfc" + DIAGNOSTIC[2:]), conversation().client(message(0x8001, b"abcd"))],
)


def test_facts(ask):
    assert ask(doip, DIAGNOSTIC).facts == {"version": 2, "payload_type": "0x8001"}
    assert ask(doip, DIAGNOSTIC[:7]) is MORE
    assert ask(doip, [DIAGNOSTIC[:7]]) is NO
