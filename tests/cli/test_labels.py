"""Entries in the width that there is: words that a reader must type are never cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pywall_core.cli.labels import block, fits, width

WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, max_size=12), st.integers(20, 100))
def test_no_word_of_the_first_line_is_cut(first: list[str], rest: list[str], columns: int) -> None:
    lines = block(first, " ".join(rest), columns)
    head = [line for line in lines[:2] if line.split() and set(line.split()) <= set(first)]
    assert " ".join(head).split()[: len(first)] == first
    assert len(" ".join(first)) > columns or lines[0] == " ".join(first)


@given(st.lists(st.text("ab", min_size=1, max_size=12), max_size=20), st.integers(20, 100))
def test_the_rest_is_wrapped_below_and_indented(rest: list[str], columns: int) -> None:
    lines = block(["first"], " ".join(rest), columns)[1:]
    assert " ".join(lines).split() == rest
    assert all(line.startswith("    ") and len(line) <= columns for line in lines)


def test_a_table_fits_when_all_columns_and_the_blanks_between_do() -> None:
    rows = [["ab", "cdef"], ["abc", "d"]]  # 3 and 4 wide, 3 blanks each
    assert fits(rows, 13)
    assert not fits(rows, 12)
    assert fits(rows, None), "a file takes any width"


def test_a_file_has_no_width() -> None:
    assert width() is None or width() > 0  # type: ignore[operator]
