"""KNXnet/IP."""

from pywall_protocols.industrial import knx

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(service, body):
    return b"\6\x10" + service.to_bytes(2, "big") + (6 + len(body)).to_bytes(2, "big") + body


SEARCH = message(0x0201, b"\x08\1\xc0\0\2\1\x0e\x57")
FOUND = message(0x0202, bytes(70))

TestKnxOverUdp = detector_contract(
    knx,
    [conversation("udp").client(SEARCH).server(FOUND), conversation("udp").client(message(0x0530, bytes(11)))],
    [conversation("udp").client(SEARCH + b"\0"), conversation("udp").client(message(0x0A01, bytes(8)))],
)
TestKnxOverTcp = detector_contract(
    knx, [conversation().client(SEARCH).server(FOUND)], [conversation().client(b"\6\x20" + SEARCH[2:])]
)


def test_facts(ask):
    assert ask(knx, [SEARCH]).facts == {"service": "0x0201"}
    assert ask(knx, SEARCH[:5]) is MORE
    assert ask(knx, b"\6\x11") is NO
