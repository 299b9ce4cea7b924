"""The contract passes an honest detector and finds each kind of dishonest one."""

from __future__ import annotations

import pytest

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.testing import conversation, detector_contract

BANNER = b"TOY-"


def toy(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Both sides open with ``TOY-`` and a line."""
    for said in (client, server):
        if said[:4] != BANNER[: len(said)]:
            return NO
    if len(client) < 4 or len(server) < 4:
        return MORE
    line, end, _ = server[4:260].partition(b"\n")
    if not end and len(server) < 260:
        return Match("toy", done=False)
    return Match("toy", {"name": line.decode("latin-1")})


TALK = conversation().server(b"TOY-server\nhello").client(b"TOY-client\n").close()

TestToy = detector_contract(
    toy, positives=[TALK, (b"TOY-a\n", b"TOY-b\n")], negatives=[(b"SSH-2.0-x", b"SSH-2.0-y"), (b"TOY", b"")]
)


def by_chunk(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    return Match("toy") if client[:4] == BANNER else NO


def by_ends(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    if client[:4] != BANNER[: len(client)]:
        return NO
    if len(client) < 4:
        return MORE
    return Match("toy", {"last": client[-1]})


def fickle(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    return Match("toy") if len(client) % 2 else NO


def takes_back(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    return MORE if b"<html>" in server or len(client) < 4 else Match("toy")


def reads_too_far(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    if client[:4] == BANNER:
        return Match("toy") if client[client[4] % 32] >= 0 else NO
    return MORE


def hoards(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    return Match("toy", {"all": (client * 16).decode("latin-1")}) if client[:4] == BANNER else MORE


class Remembers:
    """Keeps what it learnt about one flow for the next one."""

    def __init__(self) -> None:
        self.seen = 0

    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.seen += 1
        return Match("toy", {"seen": self.seen})


class Misdeclared:
    first_client = b"X"
    pywall_detect = staticmethod(toy)


@pytest.mark.usefixtures("without_shrinking")
@pytest.mark.parametrize(
    ("detector", "broken"),
    [
        (by_chunk, "test_no_and_match_stay_with_more_bytes"),
        (by_chunk, "test_every_cut_gives_the_same_answer"),
        (by_ends, "test_every_cut_gives_the_same_answer"),
        (takes_back, "test_no_and_match_stay_with_what_does_not_belong_there"),
        (by_ends, "test_answer_does_not_depend_on_chunks_and_order"),
        (fickle, "test_no_and_match_stay_with_more_bytes"),
        (reads_too_far, "test_any_input_is_answered_and_bounded"),
        (hoards, "test_any_input_is_answered_and_bounded"),
        (Remembers(), "test_flows_share_no_state"),
        (Misdeclared(), "test_declared_first_bytes_hold"),
        (lambda flow, client, server: MORE, "test_detects_every_positive"),
        (lambda flow, client, server: Match("toy"), "test_detects_no_negative"),
        (lambda flow, client, server: None, "test_any_input_is_answered_and_bounded"),
    ],
)
def test_contract_finds_the_fault(detector: object, broken: str) -> None:
    suite = detector_contract(
        detector, positives=[(b"TOY-a\n", b"TOY-b\n")], negatives=[(b"HTTP", b"HTTP")], examples=400
    )()
    with pytest.raises((AssertionError, IndexError)):
        getattr(suite, broken)()


def test_datagrams_stay_whole() -> None:
    sizes: set[int] = set()

    def whole(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        sizes.update(flow.client_sizes)
        return Match("toy") if client[:3] == b"ask" else MORE if not client else NO

    talk = conversation("udp").client(b"ask").server(b"answer")
    suite = detector_contract(whole, positives=[talk])()
    suite.test_detects_every_positive()
    suite.test_answer_does_not_depend_on_chunks_and_order()
    assert sizes == {3}
