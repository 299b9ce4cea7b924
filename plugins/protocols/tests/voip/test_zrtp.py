"""ZRTP: messages in the media stream."""

from pywall_protocols.voip import zrtp

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12


def message(kind, words):
    body = b"\x50\x5a" + words.to_bytes(2, "big") + kind.ljust(8) + NOISE[: 4 * words - 12]
    return b"\x10\0\0\1ZRTP" + b"\x11\x22\x33\x44" + body + b"crc."


HELLO = message(b"Hello", 29)
ACK = message(b"HelloACK", 3)

TestZrtp = detector_contract(
    zrtp,
    [conversation("udp").client(HELLO).server(ACK), conversation("udp").client(HELLO)],
    [conversation("udp").client(HELLO[:-4]), conversation("udp").client(b"\x10" + NOISE)],
)


def test_facts(ask):
    assert ask(zrtp, [HELLO], [ACK]) == Match("zrtp", {"message": "Hello"})
