"""A worker's way to a helper process, over a pair of sockets: nothing is waited for, nothing that comes raises."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.model.helper import Helper, read_message


@pytest.fixture
def ends() -> Iterator[tuple[Helper, socket.socket, list[Any]]]:
    """A helper, the other end of its connection, and the answers that came."""
    answers: list[Any] = []
    helper = Helper(answers.append)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    helper.connect(ours)
    yield helper, theirs, answers
    helper.close()
    theirs.close()


def test_questions_and_answers(ends: Any) -> None:
    helper, theirs, answers = ends
    assert helper.ask({"key": 1})
    assert json.loads(theirs.recv(1000)) == {"key": 1}
    for text in (b'{"pid": 7}', b"[1]", b"\xff", b'{"pid": 8}'):
        theirs.send(text)
    helper.read()
    assert answers == [{"pid": 7}, {"pid": 8}], "what is no JSON object is left out"
    helper.read()
    assert len(answers) == 2, "without an answer it does not wait"


def test_nobody_is_there() -> None:
    helper = Helper(lambda answer: None)
    assert helper.descriptor == -1
    assert not helper.ask({"key": 1})
    helper.read()
    helper.close()


def test_a_process_that_does_not_read_is_not_waited_for(ends: Any) -> None:
    helper, _, _ = ends
    asked = 0
    while helper.ask({"key": "x" * 1000}):
        asked += 1
        assert asked < 100_000
    assert helper.descriptor >= 0, "the connection stays"


@pytest.mark.parametrize("by_asking", [True, False])
def test_a_process_that_has_ended_leaves_nobody(ends: Any, by_asking: bool) -> None:
    helper, theirs, answers = ends
    theirs.close()
    if by_asking:
        assert not helper.ask({"key": 1})
    else:
        helper.read()
    assert (helper.descriptor, answers) == (-1, [])


def test_a_new_process_takes_the_place_of_the_old_one(ends: Any) -> None:
    helper, theirs, _ = ends
    ours, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with others:
        helper.connect(ours)
        assert helper.connections == 2
        assert theirs.recv(10) == b"", "the first connection is closed"
        assert helper.ask({})
        assert others.recv(10) == b"{}"


@given(
    st.binary(max_size=40) | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_only_objects_are_messages(data: bytes) -> None:
    message = read_message(data)
    assert message is None or isinstance(message, dict)
