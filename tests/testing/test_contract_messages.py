"""What the contract suite says when an answer depends on how the bytes arrive: what to write instead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.testing import conversation, detector_contract

TALK = conversation().client(b"HELLO one\n").server(b"WELCOME\n")


def run(detect: Callable[[Flow, bytes, bytes], Match | Answer]) -> None:
    contract = detector_contract(detect, positives=[TALK])
    contract().test_answer_does_not_depend_on_chunks_and_order()


def hello(client: bytes) -> bool:
    return client.startswith(b"HELLO ")


def test_a_match_is_asked_again_until_it_is_confirmed() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("hello", confirmed=bool(server)) if hello(client) else MORE

    run(detect)


def test_facts_that_come_later_ask_for_done() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("hello", {"name": client[6:].decode()}) if hello(client) else MORE

    with pytest.raises(AssertionError, match="Return done=False until they are"):
        run(detect)


def test_no_that_comes_too_early_asks_for_more() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("hello") if hello(client) else NO

    with pytest.raises(AssertionError, match="MORE until then"):
        run(detect)


def test_confirmed_that_is_taken_back_is_named() -> None:
    def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("hello", confirmed=not server) if hello(client) else MORE

    with pytest.raises(AssertionError, match="stay once it is true"):
        run(detect)
