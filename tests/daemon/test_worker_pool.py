"""The workers of a configuration: together ready, and replaced when one is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pywall_core.daemon import worker_pool
from pywall_core.daemon.worker_pool import WorkerPool
from pywall_core.kernel.marks import DEFAULT_MASK, Marks

from .conftest import FakeWorker, MakePolicy


class Worker(FakeWorker):
    """A worker that can be lost."""

    def __init__(self, _policy: Any, plan: Any, index: int, _sets: Any) -> None:
        super().__init__(queue=plan.queue + index, bound=False)
        self.has_ended = self.is_overdue = self.killed = False
        self.failure: tuple[int, str] | None = None
        self.started = self.last_message = 0.0
        self.skip_bare_acks = False
        self.drops: list[tuple[str, str, str]] = []

    def exited(self) -> bool:
        return self.has_ended

    def end(self) -> str:
        return "signal 9"

    def overdue(self, now: float) -> bool:
        return self.is_overdue

    def kill(self) -> None:
        self.killed = self.has_ended = True


@pytest.fixture
def pool(make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(worker_pool, "WorkerProcess", Worker)
    policy = make_policy(queue={"number": 3, "workers": 2})
    pool = WorkerPool(policy, policy.plan(3, 1, Marks(DEFAULT_MASK)))
    pool.start()
    return pool


def test_it_is_ready_when_every_queue_is_bound(pool: Any) -> None:
    first, second = pool.workers
    assert (first.queue, second.queue) == (3, 4)
    first.bound = True
    assert not pool.ready()
    second.bound = True
    assert pool.ready()
    assert pool.failure() is None


def test_it_says_why_a_worker_cannot_start(pool: Any) -> None:
    pool.workers[1].has_ended = True
    assert pool.failure() == (1, f"the worker process {pool.workers[1].pid} ended while starting (signal 9)")
    pool.workers[1].failure = (4, "queue 4 is taken")
    assert pool.failure() == (4, "queue 4 is taken")


def test_one_that_takes_too_long_to_start_is_a_failure(pool: Any) -> None:
    pool.workers[0].is_overdue = True
    assert pool.failure()[0] == 1


def test_a_dead_worker_is_replaced_at_once_and_the_next_one_later(pool: Any) -> None:
    first = pool.workers[0]
    first.has_ended, first.knowledge = True, [{"flows": [[1]]}]
    ((old, new),) = pool.replace_lost(100.0)
    assert (old, new.queue, new.knowledge) == (first, 3, [{"flows": [[1]]}])
    new.has_ended = True
    assert pool.replace_lost(100.1) == [], "one that ends at once is not started over and over"
    assert pool.replace_lost(100.5) == []
    assert len(pool.replace_lost(100.7)) == 1
    assert pool.restarts == 2


def test_the_pause_between_attempts_is_bounded(pool: Any) -> None:
    now, times = 0.0, []
    while len(times) < 8:
        pool.workers[0].has_ended = True
        if pool.replace_lost(now):
            times.append(now)
        now += 0.25
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == sorted(pauses)
    assert max(pauses) <= 5.5


def test_a_worker_that_hangs_is_killed(pool: Any) -> None:
    hung = pool.workers[1]
    hung.bound = hung.is_overdue = True
    ((old, new),) = pool.replace_lost(100.0)
    assert old.killed
    assert (pool.workers[1], new.queue) == (new, 4)
    assert not pool.workers[0].killed


def test_one_that_cannot_be_killed_is_killed_once(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in uninterruptible sleep, also while no new one can be started."""

    def refuse(*_: object) -> None:
        raise MemoryError

    hung, kills = pool.workers[1], []
    hung.is_overdue = True
    monkeypatch.setattr(hung, "kill", lambda: kills.append(1))
    with monkeypatch.context() as patch:
        patch.setattr(worker_pool, "WorkerProcess", refuse)
        for now in (100.0, 100.25, 100.5):
            assert pool.replace_lost(now) == []
    assert len(kills) == 1
    assert len(pool.replace_lost(110.0)) == 1


def test_a_pause_of_the_supervisor_itself_makes_nobody_hung(pool: Any) -> None:
    pool.excuse(10.0)
    assert pool.workers[0].last_message == 10.0


def test_what_it_says_of_itself(pool: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert pool.describe_plan() == "hooks INPUT OUTPUT, queue 3, generation 1"
    assert [entry["queue"] for entry in pool.describe()] == [3, 4]
    pool.workers[0].drops = [("INPUT", "bad", "src")]
    assert [(drop.hook, drop.set) for drop in pool.drops()] == [("INPUT", "bad")]


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, False)])
def test_the_kernel_skips_only_what_no_worker_needs(pool: Any, first: bool, second: bool) -> None:
    pool.workers[0].skip_bare_acks, pool.workers[1].skip_bare_acks = first, second
    pool.take_shortcuts()
    assert pool.plan.skip_bare_acks is (first and second)


def test_one_that_is_lost_before_it_has_described_anything_leaves_what_it_was_told(pool: Any) -> None:
    first = pool.workers[0]
    first.has_ended, first.inherited = True, [{"flows": [[1]]}]
    ((_, new),) = pool.replace_lost(100.0)
    assert new.knowledge == [{"flows": [[1]], "exact": False}]


@pytest.mark.parametrize("error", [OSError(11, "Resource temporarily unavailable"), MemoryError()])
def test_a_system_that_has_no_room_for_a_process_is_asked_again_later(
    pool: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    before = list(pool.workers)
    for worker in before:
        worker.has_ended = True
    monkeypatch.setattr(worker_pool, "WorkerProcess", refuse)
    assert pool.replace_lost(100.0) == []
    assert pool.workers == before
    assert caplog.text.count("can be started") == 2
    monkeypatch.setattr(worker_pool, "WorkerProcess", Worker)
    assert pool.replace_lost(101.0) == []
    assert len(pool.replace_lost(106.0)) == 2
