"""``all``, ``any`` and ``not`` by Kleene's logic: a pending part may yet become YES or NO."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import DROP, NO, PENDING, REJECT, YES, Action, Answer, Matcher
from pywall_core.chain.conditions import match_all, match_any, match_not
from pywall_core.packet.decode import decode
from pywall_core.testing import make_flow
from pywall_core.testing.packets import tcp_packet

PACKET = decode(tcp_packet("192.0.2.1", 1, "192.0.2.2", 2, seq=1))
FLOW = make_flow(PACKET)
ANSWERS = st.sampled_from([YES, NO, PENDING])


def saying(answer: Answer | Action) -> Matcher:
    return lambda packet, flow: answer


def answers(*given: Answer | Action) -> list[Matcher]:
    return [saying(answer) for answer in given]


def never(packet: object, flow: object) -> Answer:
    raise AssertionError("asked, though the answer was there")


def outcomes(parts: list[Answer]) -> list[list[bool]]:
    """What the parts may come to once nothing is pending."""
    return [list(way) for way in product(*([True, False] if part is PENDING else [part is YES] for part in parts))]


@given(st.lists(ANSWERS, min_size=1, max_size=4))
def test_an_answer_is_given_exactly_when_all_outcomes_agree(parts: list[Answer]) -> None:
    for combine, fold in ((match_all, all), (match_any, any)):
        ends = {fold(way) for way in outcomes(parts)}
        expected = PENDING if len(ends) == 2 else YES if ends == {True} else NO
        assert combine(answers(*parts))(PACKET, FLOW) is expected


@pytest.mark.parametrize(("answer", "turned"), [(YES, NO), (NO, YES), (PENDING, PENDING), (DROP, NO)])
def test_not(answer: Answer | Action, turned: Answer) -> None:
    assert match_not(saying(answer))(PACKET, FLOW) is turned


def test_parts_behind_the_answer_are_not_asked() -> None:
    assert match_all([saying(NO), never])(PACKET, FLOW) is NO
    assert match_any([saying(YES), never])(PACKET, FLOW) is YES


def test_the_first_action_that_a_part_names_is_the_answer() -> None:
    assert match_all(answers(YES, REJECT, DROP))(PACKET, FLOW) is REJECT
    assert match_all(answers(REJECT, NO))(PACKET, FLOW) is NO
    assert match_all(answers(REJECT, PENDING))(PACKET, FLOW) is PENDING
    assert match_any(answers(NO, DROP, YES))(PACKET, FLOW) is DROP
