"""What workers know of live flows: asked for now and then, and waited for where it is handed over."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywall_core.daemon.knowledge import Knowledge

from .conftest import FakePool


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    return Knowledge(tmp_path / "handover.jsonl")


def asked(pool: Any) -> int:
    return sum(message["do"] == "describe" for worker in pool.workers for message in worker.asked)


def test_workers_are_asked_every_few_seconds_and_the_answers_written_down(
    knowledge: Knowledge, make_pool: Callable[..., FakePool]
) -> None:
    pool: Any = make_pool(2)
    knowledge.keep(pool, 10.0)
    assert asked(pool) == 2
    pool.workers[0].describing = True
    knowledge.keep(pool, 10.1)
    assert knowledge.load() == [], "one has not answered"
    pool.workers[0].describing = False
    pool.workers[0].knowledge = [{"flows": [[1]]}]
    knowledge.keep(pool, 10.2)
    assert knowledge.load() == [{"flows": [[1]]}]
    knowledge.keep(pool, 12.0)
    assert asked(pool) == 2, "not before five seconds have passed"
    knowledge.keep(pool, 30.0)
    assert asked(pool) == 4


def test_workers_that_take_long_are_asked_less_often(knowledge: Knowledge, make_pool: Callable[..., FakePool]) -> None:
    pool: Any = make_pool()
    knowledge.keep(pool, 10.0)
    knowledge.keep(pool, 11.0)  # it has taken a second
    knowledge.keep(pool, 20.0)
    assert asked(pool) == 1
    knowledge.keep(pool, 22.0)
    assert asked(pool) == 2


def test_what_is_late_is_left_out(knowledge: Knowledge, make_pool: Callable[..., FakePool]) -> None:
    pool: Any = make_pool(2)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pool.workers[0].describing = True
        pool.workers[0].fileno = ours.fileno
        pool.workers[1].knowledge = [{"flows": [[2]]}]
        assert knowledge.collect(pool, timeout=0.01) == [{"flows": [[2]]}]


def test_a_worker_that_ends_is_not_waited_for(knowledge: Knowledge, make_pool: Callable[..., FakePool]) -> None:
    pool: Any = make_pool()
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        worker = pool.workers[0]
        worker.describing, worker.fileno, worker.listen = True, ours.fileno, lambda: False
        knowledge.collect(pool, timeout=60.0)
        assert not worker.describing


def test_a_disk_that_takes_nothing_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Knowledge(tmp_path / "missing" / "handover.jsonl").write([{"flows": []}])
    assert "hand-over" in caplog.text
