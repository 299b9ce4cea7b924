"""What plugins tell their likes: by name, and what fails is the plugin's failure."""

from __future__ import annotations

from typing import Any

from pywall_core.testing import engine


def test_an_entry_goes_to_who_has_the_name() -> None:
    sharing = engine({}, plugins={}).engine.sharing
    came: list[Any] = []
    sharing.register("one", came.append)
    sharing.take("one", [1])
    sharing.take("another", [2])
    assert came == [[1]]


def test_without_other_workers_nothing_is_sent() -> None:
    host = engine({}, plugins={}).engine
    assert host.share("one", print) is None
    host.sharing.tell("one", [1])
    sent: list[Any] = []
    host.sharing.send = lambda *words: sent.append(words)
    host.sharing.tell("one", [1])
    assert sent == [("one", [1])]


def test_a_receiver_that_fails_ends_nothing() -> None:
    host = engine({}, plugins={}).engine

    def fail(entry: list[Any]) -> None:
        raise ValueError(entry)

    host.sharing.register("one", fail)
    host.sharing.take("one", [1])
    assert host.failures.by_plugin["one"].errors == 1
