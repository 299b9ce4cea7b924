"""PFCP."""

from pywall_protocols.telecom import pfcp

from pywall_core.testing import conversation, detector_contract

HEARTBEAT = b"\x20\1\0\x0c" + b"\0\0\1\0" + b"\0\x60\0\4\xe0\0\0\0"
SESSION = b"\x21\x32\0\x14" + bytes(8) + b"\0\0\2\0" + b"\0\x3c\0\4\xc0\0\2\1"

TestPfcp = detector_contract(
    pfcp,
    [
        conversation("udp").client(HEARTBEAT).server(b"\x20\2" + HEARTBEAT[2:]),
        conversation("udp").client(SESSION),
        conversation("udp").client(b"\x24" + HEARTBEAT[1:] + HEARTBEAT),
    ],
    [
        conversation("udp").client(HEARTBEAT + b"\0"),
        conversation("udp").client(b"\x20\x12" + HEARTBEAT[2:]),
        conversation("udp").client(HEARTBEAT.replace(b"\0\4\xe0", b"\0\5\xe0")),
    ],
)


def test_facts(ask):
    assert ask(pfcp, [SESSION]).facts == {"message_type": 50}
