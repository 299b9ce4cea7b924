"""Named sets at the supervisor: changes are checked, passed on, kept, and put into the kernel in batches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pywall_core.config import Config
from pywall_core.daemon import set_keeper as module
from pywall_core.daemon.set_keeper import SetKeeper
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.ipset import SetInUseError
from pywall_core.kernel.ruleset import SetDrop
from pywall_core.kernel.rundir import RunDir


class Ipset:
    """The sets of the kernel, as the keeper uses them."""

    def __init__(self) -> None:
        self.installed = True
        self.refuses = False
        self.in_use = 0
        self.sets: dict[str, set[str]] = {}

    def available(self) -> bool:
        return self.installed

    def create(self, name: str, most: int) -> None:
        if self.in_use:
            self.in_use -= 1
            raise SetInUseError("a rule asks for it")
        self.sets[name] = set()

    def add(self, name: str, entries: Iterable[tuple[str, float]]) -> None:
        if self.refuses:
            raise CommandError("no memory")
        self.sets[name] |= {entry for entry, _ in entries}

    def delete(self, name: str, entries: Iterable[str]) -> None:
        self.sets[name] -= set(entries)


@pytest.fixture
def ipset(monkeypatch: pytest.MonkeyPatch) -> Ipset:
    fake = Ipset()
    monkeypatch.setattr(module, "ipset", fake)
    return fake


@pytest.fixture
def told() -> list[tuple[Any, Any]]:
    """Changes that were passed on, with the worker that is left out."""
    return []


def make_keeper(path: Path, told: list[tuple[Any, Any]]) -> SetKeeper:
    rundir = RunDir(path)
    rundir.path.mkdir(parents=True, exist_ok=True)
    keeper = SetKeeper(rundir, lambda change, origin: told.append((change, origin)))
    keeper.use(
        Config.model_validate({"version": 1, "sets": {"bad": {"type": "addresses"}, "names": {"type": "names"}}})
    )
    return keeper


@pytest.fixture
def keeper(tmp_path: Path, told: list[tuple[Any, Any]], ipset: Ipset) -> SetKeeper:
    return make_keeper(tmp_path, told)


def add(*entries: str, name: str = "bad", seconds: float | None = None) -> dict[str, Any]:
    return {"op": "add", "set": name, "entries": list(entries), "for": seconds}


def fill(keeper: SetKeeper, *names: str) -> int:
    keeper.begin([SetDrop("INPUT", name, "src") for name in names])
    steps = 0
    while keeper.busy():
        keeper.step()
        steps += 1
    return steps


def test_a_change_is_passed_on_to_all_but_its_origin(keeper: SetKeeper, told: list[tuple[Any, Any]]) -> None:
    worker = object()
    assert keeper.change(add("192.0.2.1"), worker) is None
    assert told == [(add("192.0.2.1"), worker)]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (add("192.0.2.1", name="other"), "there is no set 'other'"),
        (add("no address"), "no address"),
        ({**add("192.0.2.1"), "op": "swap"}, "a change has op"),
        ({**add("192.0.2.1"), "for": -1}, "a change has op"),
        ({**add(), "entries": "192.0.2.1"}, "a change has op"),
    ],
)
def test_a_wrong_change_is_refused_whole(
    keeper: SetKeeper, told: list[tuple[Any, Any]], change: dict[str, Any], wrong: str
) -> None:
    assert wrong in str(keeper.change(change))
    assert (told, keeper.entries()) == ([], [])


def test_entries_are_there_for_workers_that_start(keeper: SetKeeper) -> None:
    keeper.change(add("192.0.2.1", "192.0.2.2"))
    keeper.change(add("192.0.2.3", seconds=60.0))
    keeper.change({"op": "delete", "set": "bad", "entries": ["192.0.2.2"], "for": None})
    found = {(tuple(change["entries"]), change["for"] is None) for change in keeper.entries()}
    assert found == {(("192.0.2.1",), True), (("192.0.2.3",), False)}


def test_entries_outlive_a_restart_and_expired_ones_do_not(tmp_path: Path, keeper: SetKeeper) -> None:
    keeper.change(add("192.0.2.1"))
    keeper.change(add("192.0.2.2", seconds=1e-9))
    keeper.keep()
    (change,) = make_keeper(tmp_path, []).entries()
    assert change["entries"] == ["192.0.2.1"]


def test_what_is_kept_is_bounded(keeper: SetKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 2)
    assert keeper.change(add("192.0.2.1", "192.0.2.2")) is None
    assert "put them into a file" in str(keeper.change(add("192.0.2.3")))


def test_the_kernel_gets_the_sets_that_it_drops_by_in_batches(
    keeper: SetKeeper, ipset: Ipset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEP", 2)
    keeper.change(add(*(f"192.0.2.{n}" for n in range(1, 6))))
    assert fill(keeper, "bad") >= 3, "packets are processed between two batches"
    assert len(ipset.sets["bad"]) == 5
    keeper.change(add("192.0.2.77"))
    keeper.change({"op": "delete", "set": "bad", "entries": ["192.0.2.1"], "for": None})
    assert {"192.0.2.77"} == ipset.sets["bad"] - {f"192.0.2.{n}" for n in range(1, 6)}
    assert "192.0.2.1" not in ipset.sets["bad"]
    assert "names" not in ipset.sets


def test_a_drop_is_in_the_plan_when_its_set_is_in_the_kernel(keeper: SetKeeper) -> None:
    from pywall_core.kernel.marks import DEFAULT_MASK, Marks
    from pywall_core.kernel.ruleset import Plan

    drop = SetDrop("INPUT", "bad", "src")
    plan = Plan(hooks=("INPUT",), queue=1, workers=1, marks=Marks(DEFAULT_MASK))
    assert keeper.plan(plan, [drop]).drops == ()
    fill(keeper, "bad")
    assert keeper.plan(plan, [drop]).drops == (drop,)


def test_a_set_that_a_former_rule_still_holds_is_made_when_it_is_free(keeper: SetKeeper, ipset: Ipset) -> None:
    keeper.change(add("192.0.2.1"))
    ipset.in_use = 2
    keeper.begin([SetDrop("INPUT", "bad", "src")])
    assert keeper.busy()
    assert not keeper.step()
    assert not keeper.busy(), "nothing to do meanwhile"
    assert not keeper.step()
    assert not keeper.step()
    assert keeper.busy()
    assert keeper.step()
    assert ipset.sets == {"bad": {"192.0.2.1"}}


def test_a_set_that_is_not_freed_is_left_to_the_workers(
    keeper: SetKeeper, ipset: Ipset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = iter((5.0, 5.5, 6.1))
    monkeypatch.setattr(module, "monotonic", lambda: next(clock))
    ipset.in_use = 10
    keeper.begin([SetDrop("INPUT", "bad", "src")])
    assert not keeper.step()
    assert "a rule asks for it" not in caplog.text
    assert not keeper.step()
    assert "a rule asks for it" in caplog.text
    assert ipset.in_use == 8
    assert not keeper.step()
    assert ipset.in_use == 8, "given up"


@pytest.mark.parametrize("fault", ["not installed", "refuses"])
def test_without_ipset_the_workers_decide(
    keeper: SetKeeper, ipset: Ipset, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    keeper.change(add("192.0.2.1"))
    ipset.installed, ipset.refuses = fault != "not installed", fault == "refuses"
    fill(keeper, "bad")
    assert not keeper.busy()
    assert caplog.text
    assert keeper.change(add("192.0.2.2")) is None
