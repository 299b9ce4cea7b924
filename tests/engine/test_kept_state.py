"""What plugins and rules keep: by name, and what fails is its owner's failure."""

from __future__ import annotations

from typing import Any

from pywall_core.testing import engine


def test_each_owner_gets_its_own_state_back() -> None:
    before, after = (engine({}, plugins={}).engine for _ in range(2))
    came: list[tuple[str, Any]] = []
    for name in ("one", "two"):
        before.keep(name, lambda name=name: [name], print)  # type: ignore[misc]
        after.keep(name, print, lambda state, name=name: came.append((name, state)))  # type: ignore[misc]
    states = before.kept_state.save()
    assert states["one"] == ["one"]
    after.kept_state.load({**states, "two": None, "of nobody": [1]})
    assert came == [("one", ["one"])]


def test_an_owner_that_fails_costs_the_others_nothing() -> None:
    host = engine({}, plugins={}).engine

    def fail(*state: Any) -> Any:
        raise ValueError(state)

    came: list[Any] = []
    host.keep("bad", fail, fail)
    host.keep("good", lambda: [1], came.append)
    assert host.kept_state.save() == {**host.kept_state.save(), "bad": None, "good": [1]}
    host.kept_state.load({"bad": [0], "good": [2]})
    assert came == [[2]]
    assert host.failures.by_plugin["bad"].errors == 3
