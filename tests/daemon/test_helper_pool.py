"""Helper processes: those that the policy asks for, connected with every worker, replaced when they end."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from pywall_core.config import Config
from pywall_core.daemon import helper_pool as module
from pywall_core.daemon.channel import Channel
from pywall_core.daemon.helper_pool import HelperPool, HelperProcess

from .conftest import FakeWorker


class Helper:
    """A helper that is no process."""

    made: ClassVar[list[Helper]] = []

    def __init__(self, name: str, patience: float = 5.0) -> None:
        self.name, self.patience = name, patience
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

    def connect_left(self) -> None:
        """None is left."""

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


def test_one_that_hangs_again_and_again_gets_more_time(made: list[Helper]) -> None:
    """What it waits for, its successor is asked as well."""
    pool, now = HelperPool(), 0.0
    pool.start(config("a"))
    for _ in range(6):
        now += 10
        made[-1].hangs, made[-1].started = True, now - 6
        pool.replace_lost(now, [])
    assert [helper.patience for helper in made] == [5, 10, 20, 40, 60, 60, 60]
    made[-1].has_ended = True
    pool.replace_lost(now + 10, [])
    made[-1].started = now - 3600
    made[-1].hangs = True
    pool.replace_lost(now + 20, [])
    assert [helper.patience for helper in made[-2:]] == [5, 5]


def test_one_that_cannot_be_started_is_tried_again(
    made: list[Helper], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
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


class FakeProcess:
    """In the place of :class:`subprocess.Popen`: it has the helper's end of the control socket."""

    def __init__(self, argv: list[str], *, pass_fds: list[int], **_: object) -> None:
        self.argv = argv
        self.end = socket.socket(fileno=os.dup(pass_fds[0]))
        self.endless = False

    def poll(self) -> int | None:
        return None

    def kill(self) -> None:
        """It ends if it can."""

    def wait(self, timeout: float | None = None) -> int:
        if self.endless:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.argv, timeout)
        return 0


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[HelperProcess]:
    monkeypatch.setattr(subprocess, "Popen", FakeProcess)
    helper = HelperProcess("a")
    yield helper
    helper.stop()
    helper._process.end.close()  # type: ignore[attr-defined]


@pytest.fixture
def end(helper: HelperProcess) -> Any:
    return helper._process.end  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError()], ids=repr)
def test_a_worker_that_cannot_be_connected_now_is_connected_later(
    helper: HelperProcess, end: socket.socket, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ours, theirs = socket.socketpair()
    worker: Any = SimpleNamespace(channel=Channel(ours))

    def refuse(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", refuse)
        helper.connect(worker)
        helper.connect_left()
    helper.connect_left()
    helper.connect_left()
    data, descriptors, _, _ = socket.recv_fds(end, 9, 9)
    assert (data, len(descriptors)) == (b"c", 1), "once"
    os.close(descriptors[0])
    line, descriptors, _, _ = socket.recv_fds(theirs, 99, 9)
    assert (b"helper" in line, len(descriptors)) == (True, 1)
    os.close(descriptors[0])
    ours.close()
    theirs.close()


def test_a_process_that_is_stopped_is_overdue(helper: HelperProcess, end: socket.socket) -> None:
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


def test_a_process_has_the_time_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", FakeProcess)
    helper: Any = HelperProcess("a", 20.0)
    now = helper.started + 1
    helper.overdue(now)
    helper._process.end.send(b"?")
    assert not helper.overdue(now + 2)
    assert not helper.overdue(now + 21)
    assert helper.overdue(now + 23)
    helper.stop()
    helper._process.end.close()


def test_a_process_that_has_closed_its_socket_is_overdue(helper: HelperProcess, end: socket.socket) -> None:
    now = helper.started + 1
    assert not helper.overdue(now)
    end.send(end.recv(64))
    end.close()
    assert not helper.overdue(now + 2)
    assert helper.overdue(now + 8)


def test_a_process_that_cannot_be_killed_is_not_waited_for(helper: HelperProcess) -> None:
    """As in uninterruptible sleep: the supervisor goes on."""
    helper._process.endless = True  # type: ignore[attr-defined]
    helper.stop(0.0)
