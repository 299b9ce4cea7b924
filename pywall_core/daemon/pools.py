"""Pools: the workers in use and those that take their place, and the switch of the kernel rules between them."""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Callable

from ..kernel.firewall import Firewall
from ..kernel.rundir import RunDir
from .helper_pool import HelperPool
from .knowledge import Knowledge
from .runtime_config import Policy
from .set_keeper import SetKeeper
from .worker_pool import WorkerPool
from .worker_process import WorkerProcess


class Pools:
    """``current`` processes packets, None before the first start; ``coming`` is being started, None when nothing is."""

    def __init__(
        self,
        rundir: RunDir,
        firewall: Firewall,
        selector: selectors.BaseSelector,
        sets: SetKeeper,
        helpers: HelperPool,
        knowledge: Knowledge,
        make_pool: Callable[..., WorkerPool] = WorkerPool,
    ) -> None:
        self._rundir = rundir
        self._firewall = firewall
        self._selector = selector
        self._sets = sets
        self._helpers = helpers
        self._knowledge = knowledge
        self._make_pool = make_pool
        self.current: WorkerPool | None = None
        self.coming: WorkerPool | None = None

    @property
    def workers(self) -> list[WorkerProcess]:
        """The workers in use."""
        return self.current.workers if self.current is not None else []

    @property
    def all_workers(self) -> list[WorkerProcess]:
        """The workers in use, and those that are to take their place."""
        return self.workers + (self.coming.workers if self.coming is not None else [])

    def start(self, policy: Policy) -> None:
        """Start the workers of a policy, on queues and marks that those in use do not have.

        :raises OSError: no process can be started; those in use go on
        """
        queue = policy.config.queue
        first = queue.number
        if self.current is not None:
            plan = self.current.plan
            if first < plan.queue + plan.workers and plan.queue < first + queue.workers:
                first = plan.queue + plan.workers
        marks = self._firewall.draw_marks(queue.mark_mask, queue.workers)
        plan = policy.plan(first, self._rundir.next_generation(), marks)
        self.coming = self._make_pool(policy, plan, sets=self._sets.entries)
        try:
            self.coming.start()
            self._helpers.start(policy.config)
        except (OSError, MemoryError):
            self.give_up()
            raise
        for worker in self.coming.workers:
            self._register(worker)

    def switch(self) -> None:
        """Switch the kernel rules to the coming workers, in one step, and hand over what those in use know.

        :raises CommandError: the kernel refuses the rules; those in use stay
        """
        coming = self.coming
        if coming is None:
            return
        coming.take_shortcuts()
        coming.plan = self._firewall.install(coming.plan)
        old, self.current, self.coming = self.current, coming, None
        try:
            self._take_over(coming, old)
        finally:
            if old is not None:
                self._stop(old)

    def _take_over(self, coming: WorkerPool, old: WorkerPool | None) -> None:
        self._sets.use(coming.policy.config)
        self._sets.begin(coming.drops())
        exact = old is not None
        knowledge = self._knowledge.load() if old is None else self._knowledge.collect(old)
        self._helpers.use(coming.policy.config)
        for worker in coming.workers:
            self._helpers.connect(worker)
            worker.begin(knowledge, exact=exact)
        self._firewall.clear_former_marks()
        if coming.policy.config.queue.offload:
            self._firewall.count_offloaded()

    def give_up(self) -> None:
        """Stop the coming workers; those in use go on."""
        if self.coming is not None:
            coming, self.coming = self.coming, None
            self._stop(coming)

    def mend(self, now: float) -> None:
        """Replace workers that died or hang, and have those that are ready process packets. Call it at every step."""
        for worker in self.all_workers:
            worker.flush()
        if self.current is None:
            return
        for old, new in self.current.replace_lost(now):
            self._register(new)
            self._stop_worker(old)
        for worker in self.current.workers:
            if worker.bound and not worker.processing:
                self._helpers.connect(worker)
                worker.begin(worker.knowledge, lost=True)
        self._helpers.replace_lost(now, self.current.workers)
        self._knowledge.keep(self.current, now)

    def stop(self) -> None:
        """Write down what the workers know, and end all of them."""
        if self.current is not None:
            self._knowledge.write(self._knowledge.collect(self.current, timeout=1.0))
        self.give_up()
        if self.current is not None:
            self._stop(self.current)
        self._helpers.stop()

    def _register(self, worker: WorkerProcess) -> None:
        def receive() -> None:
            if not worker.listen():
                self._selector.unregister(worker.channel)

        self._selector.register(worker.channel, selectors.EVENT_READ, receive)

    def _stop(self, pool: WorkerPool) -> None:
        for worker in pool.workers:
            worker.ask({"do": "stop"})
        for worker in pool.workers:
            self._stop_worker(worker)

    def _stop_worker(self, worker: WorkerProcess) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel)
        worker.stop()
