"""Spans of time, and what a rule's ``add:`` takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pywall_core.config.set_addition import SetAddition, seconds


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("7d", 604_800),
        ("1w", 604_800),
    ],
)
def test_spans_of_time(text: object, span: float) -> None:
    assert seconds(text) == span


@pytest.mark.parametrize("text", [0, -1, True, None, [], "", "h", "10", "10x", "1h!", "1.5h", "99999w", "m10"])
def test_what_is_no_span_of_time(text: object) -> None:
    with pytest.raises(ValueError, match=r"span of time|above 0"):
        seconds(text)


@given(st.integers(0, 50), st.integers(0, 59), st.integers(1, 59))
def test_parts_are_added(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


def test_the_source_is_added_for_good_unless_the_rule_says_otherwise() -> None:
    plain = SetAddition.model_validate({"set": "bad"})
    assert (plain.key, plain.duration) == ("src", None)
    assert SetAddition.model_validate({"set": "bad", "key": "tls.sni", "for": "1h"}).duration == 3600
    with pytest.raises(ValidationError):
        SetAddition.model_validate({"set": "bad", "four": "1h"})
