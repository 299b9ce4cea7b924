"""DNP3."""

from pywall_protocols.industrial import dnp3

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

READ = bytes.fromhex("056408c4 0a000100 fc42 c0c00d9c86")
RESPONSE = bytes.fromhex("05640a44 01000a00 6e25 c0c0810001c2de")

TestDnp3OverTcp = detector_contract(
    dnp3,
    [conversation().client(READ).server(RESPONSE), conversation().client(READ * 2), conversation().server(RESPONSE)],
    [conversation().client(READ.replace(b"\x42", b"\x43")), conversation().client(b"\x05\x01\x00" + bytes(20))],
)
TestDnp3OverUdp = detector_contract(
    dnp3, [conversation("udp").client(READ).server(RESPONSE)], [conversation("udp").client(READ[:9])]
)


def test_facts(ask):
    assert ask(dnp3, READ).facts == {"type": "request", "source": 1, "destination": 10}
    assert ask(dnp3, server=RESPONSE).facts == {"type": "response", "source": 10, "destination": 1}


def test_the_header_has_ten_bytes(ask):
    assert ask(dnp3, READ[:9]) is MORE
    assert ask(dnp3, b"\x05\x64\x04" + READ[3:]) is NO
