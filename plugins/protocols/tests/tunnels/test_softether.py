"""SoftEther: the keep-alive that asks for the own address."""

from pywall_protocols.tunnels import softether

from pywall_core.api import MORE, Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

TestSoftether = detector_contract(
    softether,
    [conversation("udp").client(b"A").server(b"IP=203.0.113.7,PORT=40001").client(b"A")],
    [
        conversation("udp").client(b"A").server(b"IP=somewhere"),
        conversation("udp").client(b"AB").server(b"IP=203.0.113.7,PORT=40001"),
        conversation("udp").client(b"A").server(NOISE),
    ],
)


def test_the_question_alone_waits(ask):
    assert ask(softether, [b"A"]) is MORE
    assert ask(softether, [b"A"], [b"IP=203.0.113.7,PORT=40001"]) == Match("softether")
