"""Nebula: the two messages of its handshake."""

from pywall_protocols.tunnels import nebula

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

OPENING = b"\x10\0\0\0" + bytes(4) + bytes(7) + b"\1" + b"\x0a\x30" + NOISE[:48]
ANSWER = b"\x10\0\0\0" + b"\x12\x34\x56\x78" + bytes(7) + b"\2" + b"\x0a\x60" + NOISE[:96]

TestNebula = detector_contract(
    nebula,
    [conversation("udp").client(OPENING).server(ANSWER), conversation("udp").client(OPENING)],
    [
        conversation("udp").client(OPENING[:15] + b"\3" + OPENING[16:]),
        conversation("udp").client(b"\x10" + NOISE),
        conversation("udp").client(NOISE),
    ],
)


def test_the_answer_confirms(ask):
    assert ask(nebula, [OPENING], [ANSWER]).confirmed
    assert not ask(nebula, [OPENING]).confirmed
    assert not ask(nebula, [OPENING], [OPENING]).confirmed
