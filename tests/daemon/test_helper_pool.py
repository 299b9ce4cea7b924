"""Helper processes: those that the policy asks for, connected with every worker, replaced when they end."""

from __future__ import annotations

import os
import socket
import subprocess
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from pywall_core.config import Config
from pywall_core.daemon import helper_pool as module
from pywall_core.daemon.helper_pool import HelperPool, HelperProcess

from .conftest import FakeWorker


class Helper:
    """A helper that is no process."""

    made: ClassVar[list[Helper]] = []

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = 0.0
        self.has_ended = self.stopped = self.hangs = False
        self.workers: list[Any] = []
        Helper.made.append(self)

    def exited(self) -> bool:
        return self.has_ended

    def overdue(self, now: float) -> bool:
        return self.hangs

    def connect(self, worker: Any) -> None:
        self.workers.append(worker)

    def stop(self, timeout: float = 2.0) -> None:
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


def test_one_that_hangs_is_replaced(made: list[Helper], caplog: pytest.LogCaptureFixture) -> None:
    pool, worker = HelperPool(), FakeWorker()
    pool.start(config("a"))
    made[0].hangs = True
    pool.replace_lost(10.0, [worker])  # type: ignore[list-item]
    assert [helper.workers for helper in made] == [[], [worker]]
    assert made[0].stopped
    assert "the helper process of plugin a does not answer" in caplog.text


def test_one_that_cannot_be_started_is_tried_again(
    made: list[Helper], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: str) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    pool = HelperPool()
    pool.start(config("a"))
    made[0].has_ended = True
    with monkeypatch.context() as patch:
        patch.setattr(module, "HelperProcess", refuse)
        pool.replace_lost(10.0, [])
        pool.replace_lost(11.0, [])
    assert caplog.text.count("can be started") == 1
    pool.replace_lost(15.0, [])
    assert len(made) == 2


def test_a_process_that_is_stopped_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    process = SimpleNamespace(poll=lambda: None, wait=lambda _=None: 0)
    ends: list[socket.socket] = []

    def start(_: list[str], *, pass_fds: list[int], **__: object) -> SimpleNamespace:
        ends.append(socket.socket(fileno=os.dup(pass_fds[0])))
        return process

    monkeypatch.setattr(subprocess, "Popen", start)
    helper = HelperProcess("a")
    (end,) = ends
    now = helper.started + 1
    assert not helper.overdue(now)
    assert not helper.overdue(now + 50), "it loads its plugin"
    assert helper.overdue(now + 61)
    end.send(end.recv(64))
    assert not helper.overdue(now + 62)
    assert not helper.overdue(now + 66)
    assert helper.overdue(now + 68)
    end.send(end.recv(64))
    assert not helper.overdue(now + 69), "the one who asks stood still as well"
    helper.stop()
    end.close()
