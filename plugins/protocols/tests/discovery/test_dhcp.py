"""DHCP and BOOTP."""

from pywall_protocols.discovery import dhcp

from pywall_core.testing import conversation, detector_contract

HEADER = (
    bytes.fromhex("01010600 48ad22bf 00000000") + bytes(16) + bytes.fromhex("020000000001") + bytes(10) + bytes(192)
)
DISCOVER = HEADER + b"\x63\x82\x53\x63" + b"\x35\1\1" + b"\x0c\4host" + b"\xff"
OFFER = b"\2" + HEADER[1:] + b"\x63\x82\x53\x63" + b"\x35\1\2\xff" + bytes(20)
BOOTP = HEADER + bytes(64)

TestDhcp = detector_contract(
    dhcp,
    [
        conversation("udp").client(DISCOVER).server(OFFER),
        conversation("udp").client(OFFER),
        conversation("udp").client(BOOTP),
    ],
    [
        conversation("udp").client(HEADER + b"\x63\x82\x53\x62"),
        conversation("udp").client(b"\1" * 300),
        conversation("udp").client(b"\1\1" + bytes(298)),
    ],
)


def test_facts(ask):
    facts = {"type": "request", "client_mac": "02:00:00:00:00:01", "dhcp_type": "discover", "hostname": "host"}
    assert ask(dhcp, [DISCOVER]).facts == facts
    assert ask(dhcp, [OFFER]).facts["dhcp_type"] == "offer"


def test_options_that_go_beyond_the_datagram(ask):
    assert ask(dhcp, [DISCOVER[:-1] + b"\x0c\xff"]).facts["dhcp_type"] == "discover"
