"""What a rule can only match by: the text that a pattern demands is in everything that it matches."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.model.rule_index import PendingKeys, RuleIndex

PATTERNS = st.text("ab.*?[]!-", max_size=8)


@given(PATTERNS, st.text("ab.-", max_size=8))
def test_all_that_a_pattern_matches_has_its_literal(pattern: str, text: str) -> None:
    if fnmatchcase(text, pattern):
        assert RuleIndex.literal_in_glob(pattern) in text


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("*.example.com", ".example.com"),
        ("www.*.example", ".example"),
        ("ab*c", "ab"),
        ("*", ""),
        ("a[bc]def", "a"),  # what follows a class is not looked at
        ("exact", "exact"),
    ],
)
def test_it_is_the_longest(pattern: str, literal: str) -> None:
    assert RuleIndex.literal_in_glob(pattern) == literal


def test_keys_whose_rules_are_pending_are_told_from_keys() -> None:
    found = RuleIndex.pending(frozenset({1, 2}))
    assert isinstance(found, PendingKeys)
    assert list(found) == [frozenset({1, 2})]
