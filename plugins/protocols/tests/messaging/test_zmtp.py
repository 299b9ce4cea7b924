"""ZMTP: greetings."""

from pywall_protocols.messaging import zmtp

from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

GREETING = b"\xff" + bytes(8) + b"\x7f\3\0NULL" + bytes(48)

TestZmtp = detector_contract(
    zmtp,
    [(GREETING, GREETING), (GREETING, b""), (b"\xff" + bytes(7) + b"\1\x7f\1", GREETING)],
    [(b"\xff" + NOISE, NOISE), (GREETING[:10] + b"\x09", b"")],
)


def test_both_sides_confirm(ask):
    assert ask(zmtp, GREETING, GREETING + b"\4").confirmed
    assert not ask(zmtp, GREETING, GREETING).confirmed
    assert not ask(zmtp, GREETING, NOISE).confirmed
