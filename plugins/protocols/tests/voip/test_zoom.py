"""Zoom: openings of both sides, media."""

from pywall_protocols.voip import zoom

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

OPENING, ANSWER = b"\1\0\3" + NOISE[:60], b"\2\0\3" + NOISE[:60]
AUDIO = b"\5\x10\1" + NOISE[:5] + b"\x0f" + NOISE[:18] + b"\x90\x70" + NOISE[:60]

TestZoom = detector_contract(
    zoom,
    [
        conversation("udp").client(OPENING).server(ANSWER),
        conversation("udp").client(b"\x1f\2\1" + NOISE[:60]),
        conversation("udp").client(AUDIO).client(AUDIO),
    ],
    [
        conversation("udp").client(OPENING).server(NOISE),
        conversation("udp").client(b"\5" + NOISE).client(NOISE),
        conversation("udp").client(NOISE),
    ],
)


def test_it_is_never_confirmed(ask):
    assert ask(zoom, [OPENING]) is MORE
    assert not ask(zoom, [OPENING], [ANSWER]).confirmed


def test_a_test_of_the_way_is_repeated(ask):
    asks, says = b"\1\0\2\x7d" + NOISE[:80], b"\2\0\1\x7d" + NOISE[:16] + NOISE[30:45]
    assert ask(zoom, [asks], [says]).protocol == "zoom"
    assert ask(zoom, [asks], [b"\2\0\1\x7d" + NOISE[1:40]]) is NO
