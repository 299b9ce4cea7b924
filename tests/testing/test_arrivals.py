"""A detector is asked as the core asks it: with all bytes of both directions so far, until its answer is final."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.testing import conversation
from pywall_core.testing.arrivals import (
    BUDGET,
    Asked,
    ask_once,
    cut_again,
    first_turns,
    is_final,
    most_lines_run,
    turns_of,
)


class Noting:
    """A detector that notes what it is shown, and answers with ``answers`` in turn, then with the last of them."""

    def __init__(self, *answers: Match | Answer) -> None:
        self.answers = list(answers)
        self.shown: list[tuple[bytes, bytes]] = []

    def __call__(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.shown.append((client, server))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_each_question_has_all_bytes_of_both_directions() -> None:
    detect = Noting(MORE)
    asked = Asked(detect, "tcp")
    for to_server, data in ((True, b"ab"), (False, b"x"), (True, b"c")):
        asked.give(to_server, data)
    assert detect.shown == [(b"ab", b""), (b"ab", b"x"), (b"abc", b"x")]
    assert (asked.flow.pkts_toserver, asked.flow.pkts_toclient) == (2, 1)


def test_bytes_beyond_the_budget_are_not_shown() -> None:
    detect = Noting(MORE)
    asked = Asked(detect, "tcp")
    asked.give(True, bytes(BUDGET - 1))
    asked.give(True, b"12")
    assert len(detect.shown[-1][0]) == BUDGET


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (NO, True),
        (MORE, False),
        (Match("x", confirmed=True, done=True), True),
        (Match("x", confirmed=True, done=False), False),
        (Match("x", confirmed=False, done=True), False),
        (Match("x", confirmed=False, done=True, restart=(1, 1)), True),
    ],
)
def test_nothing_is_asked_after_a_final_answer(answer: Match | Answer, final: bool) -> None:
    detect = Noting(answer, MORE)
    asked = Asked(detect, "tcp")
    asked.give(True, b"a")
    asked.give(True, b"b")
    assert is_final(answer) is final
    assert len(detect.shown) == (1 if final else 2)


def test_asked_once_a_detector_sees_all_turns_at_once() -> None:
    detect = Noting(NO)
    assert ask_once(detect, "udp", [(True, b"a"), (False, b"b"), (True, b"c")]) is NO
    assert detect.shown == [(b"ac", b"b")]


def test_the_opening_are_the_turns_before_the_other_side_speaks() -> None:
    turns = conversation().client(b"a").client(b"b").server(b"c").client(b"d").turns()
    assert first_turns(turns) == 2
    assert first_turns([(True, b"a")]) == 1


def test_a_pair_of_bytes_is_a_dialogue_without_its_silent_side() -> None:
    assert turns_of((b"", b"hello")) == [(False, b"hello")]


def test_work_for_one_more_byte_is_counted_in_lines() -> None:
    def steady(flow: Flow, client: bytes, server: bytes) -> Answer:
        return MORE

    def grows(flow: Flow, client: bytes, server: bytes) -> Answer:
        for _ in client:
            pass
        return MORE

    assert most_lines_run(steady, True, b"abc") < 100
    assert most_lines_run(grows, True, b"abc") > BUDGET


@given(st.data(), st.lists(st.binary(min_size=1, max_size=80), max_size=5))
def test_new_pieces_of_a_stream_hold_the_same_bytes(data: Any, sent: list[bytes]) -> None:
    pieces = cut_again(data.draw, st, sent, "tcp")
    assert b"".join(pieces) == b"".join(sent)
    assert all(pieces)
    assert cut_again(data.draw, st, sent, "udp") == sent
