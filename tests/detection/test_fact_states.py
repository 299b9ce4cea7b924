"""FactStates: a fact is open while somebody may still say it, provisional while it may change, else settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import MORE, NO, PENDING, YES, Facts, Flow, Match
from pywall_core.detection.classifiers import Classifier

Make = Callable[..., Any]


def test_a_name_is_open_then_provisional_then_settled(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"), packets=3)
    states = made.detection.states
    flow = made.flow()
    assert states.fact_state(flow, "app_proto") is PENDING
    made.client(flow, b"hello")
    assert states.fact_state(flow, "app_proto") is NO, "an opening is not a proof"
    made.server(flow, b"HELLO!")
    assert states.fact_state(flow, "app_proto") is NO
    made.detection.finish(flow)
    assert states.fact_state(flow, "app_proto") is YES


def test_the_name_of_an_opening_never_settles(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"), packets=1)
    flow = made.flow()
    made.client(flow, b"hello")
    assert flow.detect_done
    assert made.detection.states.fact_state(flow, "app_proto") is NO


def test_unknown_settles(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"))
    flow = made.flow()
    made.client(flow, b"x")
    assert made.detection.states.fact_state(flow, "app_proto") is YES


def test_a_fact_cannot_come_from_a_detector_that_has_said_no(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"), speaks("b", b"help"))
    states = made.detection.states
    flow = made.flow()
    assert states.fact_state(flow, "a.word") is PENDING
    made.client(flow, b"help"[:3])
    assert states.fact_state(flow, "a.word") is PENDING
    made.client(flow, b"lo")
    assert flow.app_proto == "a"
    assert states.fact_state(flow, "a.word") is NO, "given, and may change"
    assert states.fact_state(flow, "b.word") is NO


def test_possible_names_shrink(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"), speaks("b", b"help"), speaks("c", b"x"))
    states = made.detection.states
    flow = made.flow()
    assert states.possible_names(flow) == {"a", "b", "c", "unknown", "none"}
    made.client(flow, b"hel")
    assert states.possible_names(flow) == {"a", "b", "unknown", "none"}
    made.client(flow, b"lo")
    assert states.possible_names(flow) == {"a"}
    assert states.may_be_confirmed(flow)
    made.server(flow, b"HELLO!")
    assert not states.may_be_confirmed(flow)


@pytest.mark.parametrize(
    ("client", "server", "waits"),
    [
        (1200, 255, True),
        (1200, 256, False),
        (3000, 10, False),
        (5000, 0, True),
        (6000, 0, False),
    ],
)
def test_classification_waits_for_the_answer_to_an_opening(
    bench: Make, speaks: Make, client: int, server: int, waits: bool
) -> None:
    made = bench(speaks("a", b"h" * 9000, first_client=None), limit_bytes=10_000)
    flow = made.flow(17)
    state = flow.detection
    state.client, state.server = b"h" * client, b"h" * server
    state.match = Match("a", confirmed=False)
    assert made.detection.states.may_be_named(flow) is waits


def test_classification_waits_3000_bytes_for_detectors_without_a_match(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"h" * 9000), limit_bytes=10_000, packets=1000)
    flow = made.flow()
    made.client(flow, b"h" * 2999)
    assert made.detection.states.may_be_named(flow)
    made.server(flow, b"h")
    assert not made.detection.states.may_be_named(flow)


def test_a_class_is_open_until_its_classifier_has_settled(bench: Make, speaks: Make) -> None:
    answers: list[Any] = [MORE, Facts({"payload.class": "text"})]
    classifier = Classifier("c", lambda flow, to_server, data: answers.pop(0), ("payload.class",))
    made = bench(speaks("a", b"hello"), classifiers=(classifier,))
    states = made.detection.states
    flow: Flow = made.flow()
    assert states.fact_state(flow, "payload.class") is PENDING
    made.client(flow, b"x")
    assert states.fact_state(flow, "payload.class") is PENDING
    made.client(flow, b"x")
    assert states.fact_state(flow, "payload.class") is YES


def test_a_given_fact_is_its_plugins_matter(bench: Make, speaks: Make) -> None:
    made = bench(speaks("a", b"hello"))
    made.detection.states.given = {"owner.uid": ("owner", lambda flow, name: YES)}
    assert made.detection.states.fact_state(made.flow(), "owner.uid") is YES
    assert made.counters == {}


@pytest.mark.parametrize(("bytes_", "packets", "spent"), [(19, 1, False), (20, 1, True), (1, 10, True)])
def test_a_budget_is_spent_by_bytes_or_datagrams(
    bench: Make, speaks: Make, bytes_: int, packets: int, spent: bool
) -> None:
    made = bench(speaks("a", b"h" * 100), limit_bytes=20)
    flow = made.flow()
    flow.detection.client, flow.detection.client_sizes = b"h" * bytes_, (1,) * packets
    assert made.detection.states.spent(flow) is spent
