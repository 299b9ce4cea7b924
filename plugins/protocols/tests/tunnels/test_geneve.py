"""Geneve."""

import pytest
from pywall_protocols.tunnels import geneve

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract, udp_packet

IPV4 = udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x" * 30)
IPV6 = udp_packet("2001:db8::1", 1, "2001:db8::2", 2, b"x" * 30)
FRAME = bytes.fromhex("020000000002 020000000001 0800") + IPV4
BRIDGED = bytes.fromhex("00006558 00002a00") + FRAME
WITH_OPTIONS = bytes.fromhex("03006558 00002a00 0001 01 01 31323334 0001 02 00") + FRAME
ROUTED = bytes.fromhex("000086dd 12345600") + IPV6

TestGeneve = detector_contract(
    geneve,
    [conversation("udp").client(data).server(data) for data in (BRIDGED, WITH_OPTIONS, ROUTED)],
    [
        conversation("udp").client(BRIDGED[:-1]),
        conversation("udp").client(b"\x40" + BRIDGED[1:]),
        conversation("udp").client(b"\0\0\x08\0" + ROUTED[4:]),
        conversation("udp").client(b"\2" + WITH_OPTIONS[1:]),
    ],
)


def test_facts(ask):
    assert ask(geneve, [BRIDGED]).facts == {"vni": 0x2A, "protocol": "0x6558"}


@pytest.mark.parametrize(("at", "byte"), [(1, 1), (7, 1)])
def test_reserved_bits(ask, at, byte):
    assert ask(geneve, [BRIDGED[:at] + bytes([byte]) + BRIDGED[at + 1 :]]) is NO


@pytest.mark.parametrize("head", ["00008847 00002a00", "00006558 00002a00 020000000002 020000000001 88cc"])
def test_a_packet_that_is_not_looked_into_confirms_nothing(ask, head):
    sealed = bytes.fromhex(head) + bytes(range(90))
    assert ask(geneve, [BRIDGED], [ROUTED]).confirmed
    assert not ask(geneve, [sealed], [sealed + b"."]).confirmed
    assert not ask(geneve, [sealed], [BRIDGED]).confirmed
