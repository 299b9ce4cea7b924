"""Where one byte makes a detector take its own opening for an answer."""

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.testing.copies import confirming_places

OPENING = [(True, b"hello, 1234 and so on")]


def test_a_detector_that_tells_answers_by_one_byte_has_one_place() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client or not server:
            return MORE
        return Match("p", confirmed=server[0] == client[0] ^ 1 and server[1:5] == client[1:5])

    assert confirming_places(detect, detect, "tcp", OPENING) == [0]
    assert confirming_places(detect, detect, "udp", [(False, OPENING[0][1])]) == [0]


def test_a_detector_that_takes_anything_but_the_same_has_many() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client:
            return MORE
        return Match("p", confirmed=bool(server) and server != client[: len(server)]) if client[:5] == b"hello" else NO

    assert len(confirming_places(detect, detect, "udp", OPENING)) == 21


def test_the_core_refuses_copies_of_which_a_whole_one_would_do() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("p", confirmed=len(server) >= 21) if len(client) >= 21 else MORE

    assert confirming_places(detect, detect, "tcp", OPENING) == []
