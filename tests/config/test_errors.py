"""Errors of a configuration in words: the place, the value, the nearest known name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.config.errors import MAX_LISTED, nearest, path_text, shown, some_of, unknown_key


def test_a_path_is_written_as_in_a_program() -> None:
    assert path_text(("chains", "INPUT", 2, "dst")) == "chains.INPUT[2].dst"
    assert path_text(("plugins", 0)) == "plugins[0]"
    assert path_text(()) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (False, "false"), ({}, "a mapping"), ([], "a list"), (3, "3"), ("x", "'x'")],
)
def test_values_are_shown_as_in_yaml(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.text())
def test_any_text_is_shown_printable_and_short(text: str) -> None:
    assert len(shown(text)) <= 60
    assert shown(text).isprintable()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("prot", "port"), ("PORT", "port"), ("https", "tls"), ("zzzz", ""), (7, "")],
)
def test_the_nearest_known_name(name: object, hint: str) -> None:
    said = nearest(name, ["port", "iface", "tls"], {"https": "tls", "vnc": "rfb"})
    assert said == (f"; did you mean {hint!r}?" if hint else "")


def test_an_alias_of_a_name_that_is_not_there_is_no_hint() -> None:
    assert nearest("vnc", ["port"], {"vnc": "rfb"}) == ""


def test_few_names_are_listed_and_of_many_the_nearest() -> None:
    assert some_of("x", ["b", "a"]) == "a, b"
    many = [f"name{number}" for number in range(100)]
    said = some_of("name42", many)
    assert said.startswith("name42, ")
    assert said.endswith(f" and {100 - MAX_LISTED} more")


def test_an_unknown_key_names_the_one_that_was_meant() -> None:
    assert unknown_key("lest", ["least", "most"]).startswith("unknown key; did you mean 'least'?")
