"""What an event can carry: values as JSON, bounded and printable; facts nested by their dotted names."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.events.fields import MAX_ITEMS, Event, clean, nest, own_facts, to_line

_words = st.text("abcxyz", min_size=1, max_size=3)
_names = st.lists(_words, min_size=2, max_size=4).map(".".join)


@given(st.text(max_size=600))
def test_texts_are_bounded_and_printable(text: str) -> None:
    found = clean(text)
    assert len(found) <= 255
    assert found.isprintable()
    assert clean(found) == found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**64, "18446744073709551616"),
        (-(2**70), "-1180591620717411303424"),
        ("\u00e9\U0001f600", '"\\u00e9\\ud83d\\ude00"'),
        ({"\x7f": 1}, '{"\\u007f":1}'),
        ({1: "a number as a key"}, '{"1":"a number as a key"}'),
        (b"\xff\x00", '"ff00"'),
        ('"\\/\n', '"\\"\\\\/\\n"'),
        ((1, None, True, 0.5), "[1,null,true,0.5]"),
    ],
)
def test_a_line_is_ascii_and_the_same_whichever_encoder_takes_it(value: object, written: str) -> None:
    line = to_line({"event_type": "test", "value": value})
    assert line == f'{{"event_type":"test","value":{written}}}'
    assert line.isascii()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_has_not_is_null(value: float) -> None:
    assert clean({"x": [value]}) == {"x": [None]}


def test_a_list_is_cut_and_a_set_is_a_list() -> None:
    assert len(clean(list(range(MAX_ITEMS + 1)))) == MAX_ITEMS
    assert clean({3}) == [3]


def test_facts_are_nested_by_their_dotted_names() -> None:
    event: Event = {}
    nest(event, "ssh", {"ssh.client.version": "2.0", "ssh.hassh": "ab", "tls.sni": "other"})
    assert event == {"ssh": {"client": {"version": "2.0"}, "hassh": "ab"}}


def test_a_fact_below_a_value_keeps_its_dots() -> None:
    event: Event = {}
    nest(event, "x", {"x.a": 1, "x.a.b.c": 2})
    assert event == {"x": {"a": 1, "a.b.c": 2}}


def _flat(event: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return values by dotted name."""
    found: dict[str, Any] = {}
    for name, value in event.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return found


@given(st.dictionaries(_names, st.integers(), max_size=6))
def test_own_facts_are_read_back_by_their_names(facts: dict[str, int]) -> None:
    names = sorted(facts)
    facts = {name: facts[name] for name in names if not any(name.startswith(f"{other}.") for other in names)}
    pywall: Event = {"rule": "chains.INPUT[0]", "final": True, "against": {"rule": "x"}}
    for head in {name.partition(".")[0] for name in facts}:
        nest(pywall, head, facts)
    assert own_facts({"pywall": pywall}) == facts
    assert _flat(own_facts({"pywall": pywall})) == facts


def test_facts_without_a_dot_are_read_back_too() -> None:
    assert own_facts({"pywall": {"facts": {"plain": 1}, "plugin": "x"}}) == {"plain": 1}
    assert own_facts({}) == {}
