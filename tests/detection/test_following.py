"""A flow's parser and its unwrappers are copied with the flow; one that cannot be copied fails when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pywall_core.detection.following import Following, Unwrapping, is_unanswered


class Parser:
    """Counts what it was fed."""

    has_transactions = True
    confirmed = False
    over = False

    def __init__(self, fed: int = 0) -> None:
        self.fed = fed

    def feed(self, to_server: bool, data: bytes) -> Sequence[Any]:
        self.fed += len(data)
        return []

    def gap(self, to_server: bool, size: int) -> bool:
        return False

    def finish(self) -> Sequence[Any]:
        return []

    def copy(self) -> Parser:
        return Parser(self.fed)


class Uncopyable(Parser):
    def copy(self) -> Parser:
        raise ZeroDivisionError("no copy")


class Waiting(Parser):
    unanswered = True


class Frames:
    """Takes two bytes off each piece."""

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        return data[2:]

    def copy(self) -> Frames:
        return Frames()


def test_a_copy_goes_on_where_the_parser_was() -> None:
    parser = Parser()
    following = Following("plugin", "outer", "inner", parser, began=True)
    parser.feed(True, b"abc")
    copy = following.copy()
    copy.parser.feed(True, b"de")
    assert (parser.fed, copy.parser.fed) == (3, 5)
    assert (copy.plugin, copy.protocol, copy.facts_of, copy.began) == ("plugin", "outer", "inner", True)
    assert copy.prefix == "inner."


@pytest.mark.parametrize("use", ["feed", "gap", "finish"])
def test_a_parser_that_cannot_be_copied_fails_when_the_copy_is_used(use: str) -> None:
    copy = Following("plugin", "p", "p", Uncopyable()).copy()
    arguments = {"feed": (True, b"x"), "gap": (True, 1), "finish": ()}[use]
    with pytest.raises(ZeroDivisionError, match="no copy"):
        getattr(copy.parser, use)(*arguments)
    with pytest.raises(ZeroDivisionError):
        copy.copy().parser.feed(True, b"x")


def test_what_a_parser_says_of_itself_is_noted() -> None:
    following = Following("plugin", "p", "p", Waiting())
    assert following.unanswered
    assert following.own_facts
    assert not following.confirmed
    assert not is_unanswered(Parser()), "a parser need not say it"


def test_an_unwrapper_is_copied_and_one_without_copy_fails_when_it_is_used() -> None:
    assert Unwrapping("plugin", Frames()).copy().unwrapper.unwrap(True, b"abcd") == b"cd"
    broken: Any = Parser.__new__(Parser)  # a plugin's object that is no unwrapper
    broken.copy = None
    with pytest.raises(TypeError):
        Unwrapping("plugin", broken).copy().unwrapper.unwrap(True, b"abcd")
