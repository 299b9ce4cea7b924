"""Variables and sets survive the YAML parser; tabs are found; a broken line does not hide the rest."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.config.syntax import MAX_SKIPPED, RESERVED, hide, skip_line, tabs, unhide, without_tabs

NAME = st.from_regex(r"[A-Za-z_](?:[A-Za-z0-9_.:-]{0,7}[A-Za-z0-9_.-])?", fullmatch=True)


@given(NAME, NAME)
def test_variables_and_sets_pass_through_yaml(variable: str, named: str) -> None:
    text = f"{{src: ${{{variable}}}, dst: @{named}}}"
    hidden = hide(text)
    assert len(hidden) == len(text), "columns stay right"
    read = yaml.safe_load(hidden)
    assert {key: unhide(value) for key, value in read.items()} == {"src": f"${{{variable}}}", "dst": f"@{named}"}


@given(st.text().filter(lambda text: not RESERVED.search(text)))
def test_hiding_is_undone(text: str) -> None:
    assert unhide(hide(text)) == text


@pytest.mark.parametrize("text", ["mail: a@example.com", "x: ${}", "x: $HOME", "x: '@1'"])
def test_what_is_no_variable_and_no_set_stays(text: str) -> None:
    assert hide(text) == text


def test_tabs_of_indentation_are_found_and_replaced() -> None:
    text = "a:\n\tb: 1\n  \tc: 'x\ty'\nd: 1\n"
    assert list(tabs(text)) == [2, 3]
    assert without_tabs(text) == "a:\n b: 1\n   c: 'x\ty'\nd: 1\n"


def test_a_line_is_skipped_and_the_others_keep_their_numbers() -> None:
    text = "a: 1\nb: [\nc: 3\n"
    skipped = skip_line(text, 2)
    assert skipped.count("\n") == text.count("\n")
    assert yaml.safe_load(skipped) == {"a": 1, "c": 3}
    assert MAX_SKIPPED >= 10
