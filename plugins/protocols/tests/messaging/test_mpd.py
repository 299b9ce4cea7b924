"""MPD: greeting, command, answer."""

from pywall_protocols.messaging import mpd

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

TALK = conversation().server(b"OK MPD 0.23.5\n").client(b"status\n").server(b"volume: 100\nrepeat: 0\nOK\n")

TestMpd = detector_contract(
    mpd,
    [TALK, (b"", b"OK MPD 0.23.5\n")],
    [(b"", b"OK then\n"), (b"", b"OK MPD is great\n"), (NOISE, NOISE)],
)


def test_the_answer_confirms(ask):
    assert ask(mpd, b"status\n", b"OK MPD 0.23.5\nvolume: 1\nOK\n") == Match("mpd", {"version": "0.23.5"})
    assert not ask(mpd, b"status\n", b"OK MPD 0.23.5\n").confirmed
    assert not ask(mpd, NOISE, b"OK MPD 0.23.5\nOK\n").confirmed
