"""Helper processes: those that the policy asks for, connected with every worker, replaced when they end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from pywall_core.config import Config
from pywall_core.daemon import helper_pool as module
from pywall_core.daemon.helper_pool import HelperPool

from .conftest import FakeWorker


class Helper:
    """A helper that is no process."""

    made: ClassVar[list[Helper]] = []

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = 0.0
        self.has_ended = self.stopped = False
        self.workers: list[Any] = []
        Helper.made.append(self)

    def exited(self) -> bool:
        return self.has_ended

    def connect(self, worker: Any) -> None:
        self.workers.append(worker)

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Helper]:
    monkeypatch.setattr(Helper, "made", [])
    monkeypatch.setattr(module, "HelperProcess", Helper)
    monkeypatch.setattr(module, "wanted_helpers", lambda config: list(config.names))
    return Helper.made


def config(*names: str) -> Config:
    return SimpleNamespace(names=names)  # type: ignore[return-value]


def test_those_that_are_there_are_not_started_again(made: list[Helper]) -> None:
    pool = HelperPool()
    assert not pool
    pool.start(config("a"))
    pool.start(config("a", "b"))
    assert [helper.name for helper in made] == ["a", "b"]
    assert pool


def test_those_that_nobody_asks_any_more_are_stopped(made: list[Helper]) -> None:
    pool = HelperPool()
    pool.start(config("a", "b"))
    pool.use(config("b"))
    assert [helper.stopped for helper in made] == [True, False]


def test_one_that_has_ended_is_replaced_and_connected_again(
    made: list[Helper], caplog: pytest.LogCaptureFixture
) -> None:
    pool, worker = HelperPool(), FakeWorker()
    pool.start(config("a"))
    pool.connect(worker)  # type: ignore[arg-type]
    made[0].has_ended = True
    pool.replace_lost(1.0, [worker])  # type: ignore[list-item]
    assert len(made) == 1, "not before five seconds have passed since it was started"
    pool.replace_lost(10.0, [worker])  # type: ignore[list-item]
    assert [helper.workers for helper in made] == [[worker], [worker]]
    assert "the helper process of plugin a has ended" in caplog.text


def test_all_are_stopped_at_the_end(made: list[Helper]) -> None:
    pool = HelperPool()
    pool.start(config("a", "b"))
    pool.stop()
    assert all(helper.stopped for helper in made)
    assert not pool
