"""Patterns by their literals: whatever matches a text is among what is found for it, and little else."""

from __future__ import annotations

import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_rules.linear import literals_in

from pywall_core.api import RuleIndex
from pywall_core.chain.literals import Literals, fold

TEXTS = st.text(st.sampled_from("abAB.-k\u212as\u017fi\u0130\u0131\u00e9\n["), max_size=24)
GLOBS = st.lists(st.sampled_from(["*", "?", "[ab]", "[!a]", "[", "a", "B", "k", "s", "i", ".", "abab", "\u00e9"])).map(
    "".join
)
REGEXES = st.lists(
    st.sampled_from(
        ["a", "B", "k", "s", "i", "[.]", "(ab|ba)", "(?:a|)", "b{2}", "a?", "(ab){1,2}", "(?i:K)", "^", "$", "."]
    )
).map("".join)


@given(GLOBS, TEXTS)
def test_a_glob_that_matches_is_found(pattern: str, text: str) -> None:
    found = Literals([(0, (RuleIndex.literal_in_glob(pattern),))] + [(n, (f"x{n}",)) for n in range(1, 60)]).find(text)
    assert re.match(translate(pattern), text, re.IGNORECASE) is None or 0 in found


@given(REGEXES, TEXTS, st.booleans())
def test_an_expression_that_is_found_in_a_text_is_found(pattern: str, text: str, any_case: bool) -> None:
    found = Literals([(0, literals_in(pattern))] + [(n, (f"x{n}",)) for n in range(1, 60)]).find(text)
    assert re.search(pattern, text, re.IGNORECASE if any_case else 0) is None or 0 in found


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        ("^www[.]example$", ("www.example",)),
        ("(foo|barbar)x", ("foo", "barbar")),
        ("a*b?", ("",)),
        ("a{2,3}", ("a",)),
        ("(?i)Host", ("Host",)),
        ("[[:alpha:]]abc", ("",)),
        (r"\pNabc", ("",)),
    ],
)
def test_what_must_stand_in_a_text(pattern: str, literals: tuple[str, ...]) -> None:
    assert literals_in(pattern) == literals


def test_of_many_only_those_are_found_whose_literal_is_there() -> None:
    many = Literals((n, (f"host{n}.example.net",)) for n in range(1000))
    assert many.find("www.HOST77.example.net") == [77]
    assert many.find("host.example.org") == []


def test_an_empty_literal_is_in_every_text_and_one_of_several_is_enough() -> None:
    many = Literals([(0, ("",)), (1, ("one", "two")), *((n, ("none",)) for n in range(2, 40))])
    assert sorted(many.find("two")) == [0, 1]
    assert many.find("") == [0]


def test_of_a_long_text_all_are_found_rather_than_looked_up() -> None:
    assert Literals([(0, ("abc",)), (1, ("d",))]).find("x" * 1000) == [0, 1]


@pytest.mark.parametrize("text", ["k\u212aK", "s\u017fS", "i\u0130\u0131I"])
def test_letters_that_expressions_take_for_one_another_are_one(text: str) -> None:
    assert len(set(fold(text))) == 1
