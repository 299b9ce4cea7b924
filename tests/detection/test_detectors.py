"""Detectors: what their declarations say at once. Asker: who is asked, in which order, and what an answer changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pywall_core.api import MORE, Answer, Flow, Match
from pywall_core.detection.detectors import Detector, Detectors

Make = Callable[..., Any]


def test_masks_say_who_takes_a_transport_and_a_first_byte(speaks: Make) -> None:
    detectors = Detectors(
        [
            speaks("a", b"ab"),
            speaks("b", b"b", transports=("tcp", "udp"), first_server=b"xy"),
            speaks("c", b"c", first_client=None),
        ]
    )
    assert (detectors.tcp, detectors.udp) == (0b010, 0b111)
    assert detectors.by_first_client[ord("a")] == 0b101
    assert detectors.by_first_client[ord("z")] == 0b100
    assert detectors.by_first_server[ord("x")] == 0b111
    assert detectors.by_first_server[ord("z")] == 0b101


def test_masks_say_who_announces_and_who_may_confirm(speaks: Make) -> None:
    detectors = Detectors([speaks("a", b"a", announces=("a-data",)), speaks("b", b"b", unseen=("b",))])
    assert detectors.announcers(["a-data", "other"]) == 0b01
    assert detectors.announcers(["other"]) == 0
    assert detectors.confirming == 0b01


def test_the_same_detectors_with_other_calls(speaks: Make) -> None:
    before = Detectors([speaks("a", b"a"), speaks("b", b"b")])
    after = before.with_calls([len, max])  # type: ignore[list-item]
    assert [d.call for d in after.all] == [len, max]
    assert (after.tcp, after.udp, after.by_first_client) == (before.tcp, before.udp, before.by_first_client)


def test_only_those_that_have_not_said_no_are_asked(bench: Make, speaks: Make) -> None:
    asked: list[str] = []

    def noting(name: str, answer: Match | Answer) -> Detector:
        def call(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
            asked.append(name)
            return answer

        return speaks(name, name.encode(), call=call, first_client=None)  # type: ignore[no-any-return]

    made = bench(noting("no", Answer.NO), noting("more", MORE), noting("match", Match("match")), noting("behind", MORE))
    flow = made.flow()
    made.client(flow, b"x")
    assert asked == ["no", "more", "match"], "those behind a match are not asked"
    assert (flow.detection.pending, flow.detection.match_bit) == (0b0110, 0b0100)
    assert flow.app_proto is None, "a detector listed before the match is still open"
    asked.clear()
    made.client(flow, b"y")
    assert asked == ["more", "match"]


def test_a_detector_that_raises_or_answers_nonsense(bench: Make, speaks: Make) -> None:
    def raises(flow: Flow, client: bytes, server: bytes) -> Answer:
        raise ValueError

    def answers(flow: Flow, client: bytes, server: bytes) -> Any:
        return "yes"

    made = bench(speaks("bad", b"x", call=raises), speaks("odd", b"x", call=answers))
    flow = made.flow()
    made.client(flow, b"x")
    assert flow.detection.pending == 0b01, "what raised is asked again, what is no answer counts as NO"
    assert made.counters == {"failure.plugin_error": 2}
    assert made.guard.failed == "odd"


def test_quarantine_leaves_a_detector_open_and_unasked(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"), speaks("b", b"hello"))
    made.detection.asker.quarantine("a")
    flow = made.flow()
    made.client(flow, b"hello")
    assert flow.detection.match is not None
    assert flow.detection.match.protocol == "b"
    assert flow.app_proto is None, "a might have had a say before b"
    assert made.detection.blind(flow)


def test_a_name_that_cannot_be_proved_is_never_confirmed(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hi", unseen=("a",)))
    flow = made.flow()
    made.client(flow, b"hi")
    made.server(flow, b"hi")
    assert (flow.app_proto, flow.confirmed) == ("a", False)


def test_asking_names_the_detector_that_is_asked(bench: Make, speaks: Make) -> None:
    seen: list[int] = []

    def call(flow: Flow, client: bytes, server: bytes) -> Answer:
        seen.append(made.detection.asker.asking)
        return MORE

    made = bench(speaks("a", b"x", call=call), speaks("b", b"x", call=call))
    made.client(made.flow(), b"x")
    assert seen == [0b01, 0b10]
    assert made.detection.asker.asking == 0


def test_a_server_that_only_sends_back_confirms_nothing(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"))
    flow = made.flow()
    made.client(flow, b"hello")
    made.server(flow, b"hello")
    assert (flow.app_proto, flow.confirmed) == ("a", False)
    made.client(flow, b" more of it")
    made.server(flow, b" more of")
    assert not flow.confirmed, "still an echo"
    assert made.detection.states.may_be_confirmed(flow)
    made.server(flow, b" what the client has not said")
    assert not flow.confirmed, "the proof was sent back, whatever came behind it"


def test_both_sides_may_begin_alike(bench: Make, speaks: Make) -> None:
    def call(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        whole = min(len(client), len(server)) >= 10
        return Match("a", confirmed=whole, done=whole) if client else MORE

    made = bench(speaks("a", b"h", call=call))
    flow = made.flow()
    made.client(flow, b"hello 1111")
    made.server(flow, b"hello 2222")
    assert flow.confirmed
