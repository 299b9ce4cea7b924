"""Mumble: the ping and its answer."""

from pywall_protocols.voip import mumble

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

PING = bytes(4) + b"\x11\x22\x33\x44\x55\x66\x77\x88"
PONG = b"\0\1\4\0" + PING[4:] + (7).to_bytes(4, "big") + (100).to_bytes(4, "big") + (72000).to_bytes(4, "big")

TestMumble = detector_contract(
    mumble,
    [conversation("udp").client(PING).server(PONG)],
    [
        conversation("udp").client(PING).server(PONG[:4] + bytes(8) + PONG[12:]),
        conversation("udp").client(PING + b"x").server(PONG),
        conversation("udp").client(bytes(12)).server(NOISE[:24]),
    ],
)


def test_facts(ask):
    assert ask(mumble, [PING], [PONG]) == Match("mumble", {"version": "1.4.0", "users": 7, "most_users": 100})
