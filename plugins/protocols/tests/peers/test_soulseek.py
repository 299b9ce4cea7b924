"""Soulseek."""

from pywall_protocols.peers import soulseek

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

#: the example of the protocol's documentation
LOGIN = bytes.fromhex(
    "48000000010000000800000075736572 6e616d650800000070617373776f7264"
    "a000000020000000 6435316339613765393335333734366136303230663936303264343532393239 01000000"
)
WELCOME = b"\x0e\0\0\0\1\0\0\0\1\5\0\0\0hello"
PEER = b"\x16\0\0\0\1\x08\0\0\0username\1\0\0\0P\x2c\1\0\0"
NOT_HEX = LOGIN.replace(b"d51c", b"D51C")
OTHER_KIND = PEER.replace(b"\1\0\0\0P", b"\1\0\0\0Q")

TestSoulseek = detector_contract(
    soulseek,
    [
        conversation().client(LOGIN).server(WELCOME),
        conversation().client(PEER).server(b"\4\0\0\0\x0f\0\0\0"),
    ],
    [
        conversation().client(NOT_HEX).server(WELCOME),
        conversation().client(OTHER_KIND),
        conversation().client(LOGIN[:8] + b"\x1f" + LOGIN[9:]),
        conversation().client(b"\x48\0\0\0\2\0\0\0" + bytes(70)),
    ],
    others=[conversation().client(LOGIN + PEER)],
)


def test_the_name_is_a_guess_until_a_recording_shows_both_sides(ask):
    assert ask(soulseek, LOGIN).facts == {"message": "login"}
    assert ask(soulseek, PEER).facts == {"message": "peer-init"}
    assert soulseek.unseen == ("soulseek",)


def test_an_answer_of_others_proves_nothing(ask):
    assert not ask(soulseek, LOGIN, b"HTTP/1.1 400 Bad Request\r\n").confirmed
    assert ask(soulseek, LOGIN[:20]) is MORE
    assert ask(soulseek, b"GET / HTTP/1.1\r\n") is NO
