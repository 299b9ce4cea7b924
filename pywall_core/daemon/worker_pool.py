"""The worker processes of one configuration: started together, replaced when one dies or hangs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final

from ..kernel.ruleset import Plan, SetDrop
from .channel import Message
from .runtime_config import Policy
from .worker_process import START, WorkerProcess

log: Final = logging.getLogger("pywall.supervisor")
#: longest pause between two attempts to replace a worker, seconds
_MAX_PAUSE: Final = 5.0


@dataclass(slots=True)
class WorkerPool:
    """The workers of one configuration: worker i owns queue ``plan.queue + i``."""

    policy: Policy
    plan: Plan
    workers: list[WorkerProcess] = field(default_factory=list)
    restarts: int = 0
    #: named sets' entries for workers that start
    sets: Callable[[], Sequence[Message]] = lambda: ()
    _pauses: dict[int, float] = field(default_factory=dict)
    _due: dict[int, float] = field(default_factory=dict)

    def start(self) -> None:
        """Start all of them; they are no use before :meth:`ready`."""
        for index in range(self.plan.workers):
            self.workers.append(WorkerProcess(self.policy, self.plan, index, self.sets()))

    def ready(self) -> bool:
        """Return True if all queues are bound."""
        return all(worker.bound for worker in self.workers)

    def failure(self) -> tuple[int, str] | None:
        """Return the exit code and message of the first that cannot start."""
        for worker in self.workers:
            if worker.exited() or worker.failure:
                worker.listen()
                return worker.failure or (1, f"the worker process {worker.pid} ended while starting ({worker.end()})")
            if not worker.bound and worker.overdue(monotonic()):
                return 1, f"the worker process {worker.pid} did not start within {START:g} s"
        return None

    def replace_lost(self, now: float) -> list[tuple[WorkerProcess, WorkerProcess]]:
        """Replace workers that died or hang: each old one with its new one. What cannot start is tried again later."""
        replaced = []
        for index, worker in enumerate(self.workers):
            if worker.bound and now - worker.started > 30:
                self._pauses.pop(index, None)
            if not worker.exited() and index not in self._due:
                if not worker.overdue(now):
                    continue
                log.error("worker %d (queue %d) does not answer: ended", worker.pid, worker.queue)
                worker.kill()
            if index not in self._due:
                worker.listen()
                why = f": {worker.failure[1]}" if worker.failure else f" ({worker.end()})"
                pause = self._pauses.get(index, 0.0)
                self._pauses[index] = min(_MAX_PAUSE, pause * 2 or 0.5)
                self._due[index] = now + pause
                log.error("worker %d (queue %d) has ended%s; a new one starts", worker.pid, worker.queue, why)
            if now >= self._due[index]:
                try:
                    new = WorkerProcess(self.policy, self.plan, index, self.sets())
                except (OSError, MemoryError) as error:
                    log.error("no new worker for queue %d can be started: %s", worker.queue, error or "no memory")
                    self._due[index] = now + _MAX_PAUSE
                    continue
                del self._due[index]
                self.restarts += 1
                new.knowledge = worker.knowledge or [{**known, "exact": False} for known in worker.inherited]
                self.workers[index] = new
                replaced.append((worker, new))
        return replaced

    def excuse(self, seconds: float) -> None:
        """Give workers that long again before they count as hung: nobody has read their messages."""
        for worker in self.workers:
            worker.last_message = min(worker.last_message + seconds, monotonic())

    def take_shortcuts(self) -> None:
        """Plan what the kernel may decide alone, as all workers said."""
        self.plan = replace(self.plan, skip_bare_acks=all(worker.skip_bare_acks for worker in self.workers))

    def drops(self) -> list[SetDrop]:
        """Return what the kernel may drop by named sets alone, as the first worker said."""
        return [SetDrop(*drop) for drop in self.workers[0].drops] if self.workers else []

    def knowledge(self) -> list[Message]:
        """Return what all workers knew when they last described it."""
        return [message for worker in self.workers for message in worker.knowledge]

    def describe_plan(self) -> str:
        """Return hooks, queue and generation, in words."""
        return f"hooks {' '.join(self.plan.hooks)}, queue {self.plan.queue}, generation {self.plan.generation}"

    def describe(self) -> list[dict[str, Any]]:
        """For ``pywall status``."""
        return [
            {"pid": w.pid, "queue": w.queue, "bound": w.bound, "age": round(monotonic() - w.started, 1)}
            for w in self.workers
        ]
