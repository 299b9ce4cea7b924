"""Two pools of workers, and the switch of the kernel rules between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pywall_core.daemon.helper_pool import HelperPool
from pywall_core.daemon.knowledge import Knowledge
from pywall_core.daemon.pools import Pools
from pywall_core.daemon.set_keeper import SetKeeper
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.rundir import RunDir

from .conftest import FakeFirewall, FakePool, FakeSelector, FakeWorker, MakePolicy


@pytest.fixture
def selector() -> FakeSelector:
    return FakeSelector()


@pytest.fixture
def pools(tmp_path: Path, firewall: FakeFirewall, selector: FakeSelector) -> Any:
    rundir = RunDir(tmp_path)
    rundir.path.mkdir(parents=True)
    parts: Any = (rundir, firewall, selector, SetKeeper(rundir, lambda *_: None), HelperPool())
    return Pools(*parts, Knowledge(rundir.handover), make_pool=FakePool)  # type: ignore[arg-type]


def test_the_rules_lead_to_workers_only_after_the_switch(
    pools: Pools, firewall: FakeFirewall, selector: FakeSelector, make_policy: MakePolicy
) -> None:
    pools.start(make_policy(queue={"number": 7, "workers": 2}))
    assert pools.coming is not None
    assert firewall.installed == []
    assert selector.registered == pools.coming.workers, "they are listened to from the start"
    pools.switch()
    assert [(plan.queue, plan.workers) for plan in firewall.installed] == [(7, 2)]
    assert [worker.processing for worker in pools.workers] == [True, True]
    assert firewall.counts, "conntrack counts what it carries"


def test_two_pools_have_queues_of_their_own(pools: Pools, firewall: FakeFirewall, make_policy: MakePolicy) -> None:
    policy = make_policy(queue={"number": 7, "workers": 2})
    for _ in range(3):
        pools.start(policy)
        pools.switch()
    assert [plan.queue for plan in firewall.installed] == [7, 9, 7]
    assert len({plan.generation for plan in firewall.installed}) == 3


def test_new_workers_know_what_the_old_ones_knew(pools: Pools, selector: FakeSelector, make_policy: MakePolicy) -> None:
    pools.start(make_policy())
    pools.switch()
    old: list[Any] = pools.workers
    old[0].knowledge = [{"flows": [1]}]
    pools.start(make_policy())
    pools.switch()
    (new,) = pools.workers
    assert new.inherited == [{"flows": [1]}]  # type: ignore[attr-defined]
    assert old[0].stopped
    assert selector.registered == [new]


def test_connections_lose_their_old_marks_when_packets_no_longer_wait(
    pools: Pools, firewall: FakeFirewall, make_policy: MakePolicy
) -> None:
    firewall.workers = lambda: pools.workers  # 100,000 connections take seconds
    pools.start(make_policy())
    pools.switch()
    pools.start(make_policy(queue={"number": 7, "workers": 2}))
    pools.switch()
    assert firewall.cleared == [[True], [True, True]]


def test_rules_that_the_kernel_refuses_leave_everything_as_it_is(
    pools: Pools, firewall: FakeFirewall, make_policy: MakePolicy
) -> None:
    pools.start(make_policy())
    pools.switch()
    before = pools.current
    pools.start(make_policy())
    coming: Any = pools.coming
    firewall.refuses = "no"
    with pytest.raises(CommandError):
        pools.switch()
    assert pools.current is before
    pools.give_up()
    assert pools.coming is None
    assert coming.workers[0].stopped


def test_a_lost_worker_is_replaced_and_goes_on_with_what_it_knew(
    pools: Pools, selector: FakeSelector, make_policy: MakePolicy
) -> None:
    pools.start(make_policy())
    pools.switch()
    pool: Any = pools.current
    old, new = pool.workers[0], FakeWorker(knowledge=[{"flows": [2]}], bound=False)
    pool.lost = [(old, new)]
    pools.mend(1.0)
    assert (old.stopped, selector.registered) == (True, [new])
    assert not new.processing, "its queue is not bound yet"
    new.bound = True
    pools.mend(2.0)
    assert new.inherited == [{"flows": [2]}]


def test_what_workers_know_at_the_end_is_there_at_the_next_start(
    pools: Pools, firewall: FakeFirewall, tmp_path: Path, make_policy: MakePolicy
) -> None:
    pools.start(make_policy())
    pools.switch()
    worker: Any = pools.workers[0]
    worker.knowledge = [{"flows": [[3]]}]
    pools.stop()
    assert worker.stopped
    assert Knowledge(RunDir(tmp_path).handover).load() == [{"flows": [[3]]}]


def test_a_pool_that_cannot_be_started_is_none(
    pools: Pools, firewall: FakeFirewall, make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without its workers would be ready at once, and get the packets."""
    pools.start(make_policy())
    pools.switch()
    before = pools.current

    def refuse(_: FakePool) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(FakePool, "start", refuse)
    with pytest.raises(OSError, match="Too many"):
        pools.start(make_policy())
    assert (pools.current, pools.coming) == (before, None)
    assert len(firewall.installed) == 1


def test_former_workers_end_whatever_happens_while_they_are_replaced(
    pools: Pools, make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools.start(make_policy())
    pools.switch()
    (old,) = pools.workers
    pools.start(make_policy())

    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(FakeWorker, "begin", refuse)
        with pytest.raises(MemoryError):
            pools.switch()
    assert old.stopped  # type: ignore[attr-defined]
    (new,) = pools.workers
    assert new is not old
    pools.mend(1.0)
    assert new.processing
