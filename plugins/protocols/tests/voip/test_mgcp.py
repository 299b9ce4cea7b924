"""MGCP: commands and the responses to them."""

from pywall_protocols.voip import mgcp

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

#: RFC 3435 appendix F.2.1 (NotificationRequest), and a response to it
REQUEST = b"RQNT 1201 aaln/1@rgw-2567.whatever.net MGCP 1.0\r\nN: ca@ca1.whatever.net:5678\r\nX: 0123456789AC\r\n"
RESPONSE = b"200 1201 OK\r\n"

TestMgcp = detector_contract(
    mgcp,
    [conversation("udp").client(REQUEST).server(RESPONSE), conversation("udp").client(REQUEST)],
    [
        conversation("udp").client(b"RQNT me to the store\r\n"),
        conversation("udp").client(b"NTFY 12 a MEGACO 1.0\r\n"),
        conversation("udp").client(b"A" + NOISE),
    ],
)


def test_the_transaction_confirms(ask):
    facts = {"verb": "RQNT", "endpoint": "aaln/1@rgw-2567.whatever.net"}
    assert ask(mgcp, [REQUEST], [RESPONSE]) == Match("mgcp", facts)
    assert not ask(mgcp, [REQUEST], [b"200 1202 OK\r\n"]).confirmed
