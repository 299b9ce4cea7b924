"""Detection: from the first byte to a settled name, whatever the cuts; what ends it, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import MORE, NO, YES, Facts, Flow, Match
from pywall_core.detection.classifiers import Classifier
from pywall_core.detection.detectors import Detector

from .conftest import Detecting, word

Make = Callable[..., Any]


@given(st.lists(st.integers(1, 4), max_size=8), st.booleans())
def test_the_name_does_not_depend_on_how_bytes_were_cut(cuts: list[int], tcp: bool) -> None:
    """The longer word is listed first: the shorter one waits until it is out of the question."""
    transports = ("tcp", "udp")
    words = (("long", b"hello world"), ("short", b"hello"))
    made = Detecting(*(word(name, text, transports=transports) for name, text in words))
    for text, name in ((b"hello world!", "long"), (b"hello there!", "short"), (b"good bye", "unknown")):
        flow = made.flow(6 if tcp else 17)
        at = 0
        for size in [*cuts, len(text)]:
            if text[at : at + size]:
                made.client(flow, text[at : at + size])
            at += size
        assert flow.app_proto == name


def test_a_name_is_confirmed_by_the_other_side_and_its_facts_are_dotted() -> None:
    made = Detecting(word("a", b"hello"))
    flow = made.flow()
    assert made.client(flow, b"hello"), "facts have changed"
    assert (flow.app_proto, flow.confirmed, flow.facts) == ("a", False, {"a.word": "hello"})
    assert made.server(flow, b"HELLO!")
    assert flow.confirmed
    assert not flow.detect_done, "its detector may have more to say"


def test_the_budget_of_bytes_ends_detection_and_frees_what_was_kept() -> None:
    made = Detecting(word("a", b"x" * 50, transports=("tcp",)), limit_bytes=20)
    flow = made.flow(6)
    assert not made.client(flow, b"x" * 15)
    assert flow.client == b"x" * 15
    assert made.client(flow, b"x" * 15)
    assert (flow.app_proto, flow.detect_done, flow.client) == ("unknown", True, b"")


def test_the_budget_of_datagrams_ends_detection_too() -> None:
    made = Detecting(word("a", b"x" * 50), packets=3)
    flow = made.flow()
    for _ in range(2):
        assert not made.client(flow, b"x")
    assert flow.client_sizes == (1, 1)
    assert made.client(flow, b"x")
    assert flow.app_proto == "unknown"


def test_a_protocol_that_begins_again_is_found_behind_other_datagrams_where_a_rule_asks() -> None:
    """Servers pass over a datagram that they do not understand, and answer the next one."""
    for asked in ({"a.word"}, {"b.word"}):
        made = Detecting(word("a", b"hello", begins_again=b"hello".__eq__), word("b", b"other"))
        made.detection.ask_for((), asked, look_on=False)
        flow = made.flow()
        made.client(flow, b"junk")
        made.client(flow, b"more junk")
        assert (flow.app_proto, flow.detect_done) == ("unknown", True)
        assert made.detection.states.fact_state(flow, "a.word") is (NO if asked == {"a.word"} else YES)
        made.client(flow, b"hello")
        assert flow.app_proto == ("a" if asked == {"a.word"} else "unknown")
    flow = made.flow(6)
    assert made.client(flow, b"junk")
    assert made.detection.states.fact_state(flow, "a.word") is YES, "a stream has one beginning"


def test_a_protocol_begins_again_behind_an_unconfirmed_name_alone() -> None:
    for confirmed in (False, True):
        made = Detecting(word("a", b"hello", begins_again=b"hello".__eq__), word("b", b"other"))
        made.detection.ask_for((), {"a.word"}, look_on=False)
        flow = made.flow()
        made.client(flow, b"other")
        if confirmed:
            made.server(flow, b"OTHER!")
        made.client(flow, b"hello")
        assert (flow.app_proto, flow.app_proto_orig) == (("b", None) if confirmed else ("a", "b"))


def test_a_gap_ends_detection_of_what_has_begun() -> None:
    made = Detecting(word("a", b"hello", transports=("tcp",)))
    flow = made.flow(6)
    assert not made.detection.skip(flow, True, 10), "nothing was seen that could be missing something"
    made.client(flow, b"he")
    assert made.detection.skip(flow, True, 10)
    assert flow.app_proto == "unknown"


def test_protocols_of_ip_are_known_without_a_byte() -> None:
    made = Detecting(word("a", b"hello"))
    flow = made.flow(47)
    assert (flow.app_proto, flow.confirmed, flow.detect_done) == ("gre", True, True)


def test_what_no_detector_knows_is_classified_from_its_first_byte() -> None:
    seen: list[tuple[bool, bytes]] = []

    def classify(flow: Flow, to_server: bool, data: bytes) -> Any:
        seen.append((to_server, data))
        return Facts({"payload.class": "text"}) if len(seen) == 3 else MORE

    made = Detecting(word("a", b"hello"), classifiers=(Classifier("c", classify, ("payload.class",)),))
    flow = made.flow()
    made.client(flow, b"hel")
    assert seen == [], "the detector may still name it"
    made.client(flow, b"p!")
    assert seen == [(True, b"hel"), (True, b"p!")]
    assert made.server(flow, b"answer")
    assert flow.facts == {"payload.class": "text"}
    assert not made.server(flow, b"more")
    assert len(seen) == 3, "it has settled"


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_confirmed_name_needs_no_class(confirmed: bool) -> None:
    seen: list[bytes] = []

    def classify(flow: Flow, to_server: bool, data: bytes) -> Any:
        seen.append(data)
        return MORE

    def detect(flow: Flow, client: bytes, server: bytes) -> Match:
        return Match("a", confirmed=confirmed, done=True)

    classifier = Classifier("c", classify, ("payload.class",))
    made = Detecting(word("a", b"h", call=detect), classifiers=(classifier,), packets=1)
    flow = made.flow()
    made.client(flow, b"h")
    assert seen == ([] if confirmed else [b"h"])
    assert (flow.classifying == 0) is confirmed


def test_what_is_handed_over_is_detected_again() -> None:
    def outer(flow: Flow, client: bytes, server: bytes) -> Match:
        return Match("outer", confirmed=True, restart=(2, 0))

    made = Detecting(word("outer", b">", call=outer), word("inner", b"hello"))
    flow = made.flow()
    made.client(flow, b">>hello")
    made.server(flow, b"HELLO!")
    assert (flow.app_proto, flow.app_proto_outer, flow.confirmed) == ("inner", ("outer",), True)
    assert not flow.opaque


def test_a_protocol_inside_itself_ends() -> None:
    def outer(flow: Flow, client: bytes, server: bytes) -> Match:
        return Match("outer", confirmed=True, restart=(1, 0))

    made = Detecting(word("outer", b">", call=outer))
    flow = made.flow()
    made.client(flow, b">" * 100)
    assert flow.detect_done
    assert (flow.app_proto, set(flow.app_proto_outer)) == ("outer", {"outer"})
    assert flow.opaque, "nobody has looked at what is inside"


def _asks_and_is_told(flow: Flow, client: bytes, server: bytes) -> Any:
    if not b"ask".startswith(client[:3]) or not b"told".startswith(server[:4]):
        return NO
    return Match("a", {"word": client.decode()}, bool(server), done=False) if client else MORE


@given(st.lists(st.integers(1, 3), max_size=4), st.booleans(), st.booleans())
def test_who_was_seen_first_midway_is_no_evidence_of_who_asks(
    cuts: list[int], midstream: bool, server_first: bool
) -> None:
    seen: list[tuple[bool, bytes]] = []

    def classify(flow: Flow, to_server: bool, data: bytes) -> Any:
        seen.append((to_server, data))
        return MORE

    classifier = Classifier("c", classify, ("payload.class",))
    detector = Detector("a", _asks_and_is_told, ("tcp",), ("a",))
    made = Detecting(detector, classifiers=(classifier,))
    flow = made.flow(6)
    flow.tcp.midstream = midstream
    says = made.client, made.server
    if server_first:
        says = says[::-1]
    for say, text in zip(says[::-1], (b"told", b"ask"), strict=True):
        at = 0
        for size in [*cuts, len(text)]:
            if text[at : at + size]:
                say(flow, text[at : at + size])
            at += size
    if midstream or not server_first:
        assert (flow.app_proto, flow.confirmed, flow.facts) == ("a", True, {"a.word": "ask"})
        assert flow.turned is server_first
        assert flow.client == b"ask"
    else:
        assert (flow.app_proto, flow.turned) == ("unknown", False)
        assert {to_server for to_server, data in seen if data[:1] in b"to"} == {True}, "the tracker's sides"


def test_what_has_no_name_either_way_keeps_its_sides() -> None:
    seen: list[tuple[bool, bytes]] = []

    def classify(flow: Flow, to_server: bool, data: bytes) -> Any:
        seen.append((to_server, data))
        return MORE

    classifier = Classifier("c", classify, ("payload.class",))
    made = Detecting(Detector("a", _asks_and_is_told, ("tcp",), ("a",)), classifiers=(classifier,))
    flow = made.flow(6)
    flow.tcp.midstream = True
    made.client(flow, b"told")
    made.server(flow, b"something else")
    made.client(flow, b"more")
    assert (flow.app_proto, flow.turned) == ("unknown", False)
    assert seen == [(True, b"told"), (False, b"something else"), (True, b"more")]


@pytest.mark.parametrize("ends", ["gap", "close"])
def test_the_end_of_a_connection_met_midway_is_read_both_ways(ends: str) -> None:
    def waits(flow: Flow, client: bytes, server: bytes) -> Any:
        return MORE if client.startswith(b"told") else NO

    made = Detecting(Detector("w", waits, ("tcp",), ("w",)), Detector("a", _asks_and_is_told, ("tcp",), ("a",)))
    flow = made.flow(6)
    flow.tcp.midstream = True
    made.client(flow, b"told")
    made.server(flow, b"ask")
    assert flow.app_proto is None
    if ends == "gap":
        made.detection.skip(flow, True, 10)
    else:
        made.detection.finish(flow)
    assert (flow.app_proto, flow.turned, flow.detect_done) == ("a", True, True)
