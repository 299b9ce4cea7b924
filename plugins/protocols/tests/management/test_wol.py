"""Wake-on-LAN."""

from pywall_protocols.management import wol

from pywall_core.testing import conversation, detector_contract

ADDRESS = bytes.fromhex("020000000001")
PACKET = b"\xff" * 6 + ADDRESS * 16

TestWol = detector_contract(
    wol,
    [conversation("udp").client(PACKET), conversation("udp").client(PACKET + b"secret")],
    [
        conversation("udp").client(PACKET + b"\0"),
        conversation("udp").client(PACKET[:-1] + b"\2"),
        conversation("udp").client(b"\xff" * 102),
    ],
)


def test_facts(ask):
    assert ask(wol, [PACKET]).facts == {"mac": "02:00:00:00:00:01"}
