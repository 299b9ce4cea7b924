"""AJP: requests of the web server, answers of the container."""

from pywall_protocols.web import ajp

from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

PING, PONG = b"\x12\x34\0\1\x0a", b"AB\0\1\x09"
FORWARD = b"\x12\x34\0\x40\2\2\0\x08HTTP/1.1\0\0\1/\0" + NOISE[:40]
HEADERS = b"AB\0\x20\4\0\xc8\0\2OK\0" + NOISE[:24]

TestAjp = detector_contract(
    ajp,
    [(PING, PONG), (FORWARD, HEADERS), (FORWARD, b"")],
    [(b"\x12\x34\0\1\xff", b""), (b"\x12" + NOISE, NOISE), (b"\x12\x34\0\0\2", b"")],
)


def test_the_answer_confirms(ask):
    assert ask(ajp, FORWARD, HEADERS).confirmed
    assert not ask(ajp, FORWARD, NOISE).confirmed
