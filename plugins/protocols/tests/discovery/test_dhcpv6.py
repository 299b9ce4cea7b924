"""DHCPv6."""

from pywall_protocols.discovery import dhcpv6

from pywall_core.testing import conversation, detector_contract

CLIENT_ID = bytes.fromhex("0001000a00030001020000000001")
SOLICIT = bytes.fromhex("0163eb83 0008 0002 0000") + CLIENT_ID + bytes.fromhex("0006 0004 0017 0018")
ADVERTISE = b"\2" + SOLICIT[1:4] + CLIENT_ID + bytes.fromhex("0002000a00030001020000000002")
RELAYED = b"\x0c\0" + bytes(32) + b"\0\x09" + len(SOLICIT).to_bytes(2, "big") + SOLICIT

TestDhcpv6 = detector_contract(
    dhcpv6,
    [
        conversation("udp").client(SOLICIT).server(ADVERTISE),
        conversation("udp").client(RELAYED),
        conversation("udp").client(ADVERTISE),
    ],
    [
        conversation("udp").client(SOLICIT[:-1]),
        conversation("udp").client(SOLICIT + b"\0"),
        conversation("udp").client(b"\1abc\0\x11\0\0"),
        conversation("udp").client(b"\1abc\1\x00\0\0\0\1\0\0"),
    ],
)


def test_facts(ask):
    assert ask(dhcpv6, [SOLICIT]).facts == {"type": "solicit"}
    assert ask(dhcpv6, [RELAYED]).facts == {"type": "relay-forw"}
