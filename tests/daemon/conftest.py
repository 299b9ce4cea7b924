"""The supervisor's surroundings without root: a kernel that takes notes, and workers that are no processes."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pywall_core.config import Config
from pywall_core.daemon.channel import Message
from pywall_core.daemon.control import Client
from pywall_core.daemon.runtime_config import Policy
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.marks import DEFAULT_MASK, Marks
from pywall_core.kernel.ruleset import Plan, SetDrop

MakePolicy = Callable[..., Policy]


@dataclass
class FakeWorker:
    """A worker as the supervisor sees it. What it is asked is kept in ``asked``."""

    pid: int = field(default_factory=itertools.count(100).__next__)
    queue: int = 1
    bound: bool = True
    processing: bool = False
    decided: int = 0
    describing: bool = False
    exact: bool = False
    stopped: bool = False
    #: messages that it sends when it is listened to
    says: list[Message] = field(default_factory=list)
    asked: list[Message] = field(default_factory=list)
    answers: list[Message] = field(default_factory=list)
    knowledge: list[Message] = field(default_factory=list)
    inherited: list[Message] = field(default_factory=list)
    set_changes: list[Message] = field(default_factory=list)
    announcements: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._never_readable = os.eventfd(0)

    @property
    def channel(self) -> FakeWorker:
        return self

    def fileno(self) -> int:
        return self._never_readable

    def ask(self, message: Message) -> None:
        self.asked.append(message)

    def begin(self, knowledge: Iterable[Message], *, exact: bool = False, lost: bool = False) -> None:
        self.processing = True
        self.exact, self.lost = exact, lost
        self.inherited = list(knowledge)

    def flush(self, wait: float = 0.0) -> None:
        """All that it is told it has read."""

    def describe(self, wait: float = 0.0) -> None:
        self.asked.append({"do": "describe", "wait": wait})

    def listen(self) -> bool:
        return True

    def stop(self) -> None:
        self.stopped = True
        os.close(self._never_readable)


@dataclass
class FakePool:
    """Workers of a policy. ``failed`` is what :meth:`failure` returns."""

    policy: Policy
    plan: Plan
    sets: Callable[[], Sequence[Message]] = list
    workers: list[Any] = field(default_factory=list)
    failed: tuple[int, str] | None = None
    is_ready: bool = True
    lost: list[tuple[FakeWorker, FakeWorker]] = field(default_factory=list)
    restarts: int = 0
    excused: float = 0.0

    def start(self) -> None:
        self.workers = [FakeWorker(queue=self.plan.queue + n) for n in range(self.plan.workers)]

    def ready(self) -> bool:
        return self.is_ready

    def failure(self) -> tuple[int, str] | None:
        return self.failed

    def replace_lost(self, now: float) -> list[tuple[FakeWorker, FakeWorker]]:
        lost, self.lost = self.lost, []
        for old, new in lost:
            self.workers[self.workers.index(old)] = new
        return lost

    def take_shortcuts(self) -> None:
        """The kernel decides nothing alone."""

    def drops(self) -> list[SetDrop]:
        return []

    def excuse(self, seconds: float) -> None:
        self.excused += seconds

    def knowledge(self) -> list[Message]:
        return [message for worker in self.workers for message in worker.knowledge]

    def describe_plan(self) -> str:
        return f"queue {self.plan.queue}"

    def describe(self) -> list[dict[str, Any]]:
        return [{"pid": worker.pid} for worker in self.workers]


@dataclass
class FakeFirewall:
    """The kernel's rules. ``refuses``: the next installation fails with this text."""

    variant: str = "nft"
    installed: list[Plan] = field(default_factory=list)
    removed: bool = False
    #: whether each worker was told to stop when no packet was queued any more, and when all was taken out
    stopped: list[list[bool]] = field(default_factory=list)
    refuses: str = ""
    changed: list[str] = field(default_factory=list)
    counts: bool = False
    #: workers that processed packets when former marks were cleared, by switch
    cleared: list[list[bool]] = field(default_factory=list)
    workers: Callable[[], list[Any]] = list

    def draw_marks(self, mask: int | None, workers: int) -> Marks:
        return Marks(mask or DEFAULT_MASK)

    def install(self, plan: Plan) -> Plan:
        if self.refuses:
            refuses, self.refuses = self.refuses, ""
            raise CommandError(refuses)
        self.installed.append(plan)
        return plan

    def clear_former_marks(self) -> None:
        self.cleared.append([worker.processing for worker in self.workers()])

    def count_offloaded(self) -> None:
        self.counts = True

    def keep(self) -> list[str]:
        changed, self.changed = self.changed, []
        return changed

    def queued(self) -> int:
        return 0

    def stop_queueing(self) -> None:
        self.stopped.append([worker.stopped for worker in self.workers()])

    def remove(self) -> None:
        self.stopped.append([worker.stopped for worker in self.workers()])
        self.removed = True


class FakeSelector:
    """Knows who is registered; nothing is ever ready."""

    def __init__(self) -> None:
        self.registered: list[Any] = []

    def register(self, what: Any, events: int, data: Any = None) -> None:
        self.registered.append(what)

    def unregister(self, what: Any) -> None:
        if what not in self.registered:
            raise KeyError(what)
        self.registered.remove(what)


class FakeClient(Client):
    """A client of the control socket; its answers are kept in ``answered``."""

    def __init__(self) -> None:
        self.until = 0.0
        self.answered: list[Message] = []

    def answer(self, content: Message) -> None:
        self.answered.append(content)


@pytest.fixture
def make_policy() -> MakePolicy:
    """Policies from plain data."""

    def make(name: str = "test.yaml", **data: Any) -> Policy:
        return Policy(name, b"version: 1\n", Config.model_validate({"version": 1, **data}))

    return make


@pytest.fixture
def make_pool(make_policy: MakePolicy) -> Callable[..., FakePool]:
    """Pools of fake workers, started."""

    def make(workers: int = 1, policy: Policy | None = None) -> FakePool:
        policy = policy or make_policy(queue={"workers": workers})
        pool = FakePool(policy, policy.plan(policy.config.queue.number, 1, Marks(DEFAULT_MASK)))
        pool.start()
        return pool

    return make


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def firewall() -> FakeFirewall:
    return FakeFirewall()


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """What systemd was told since the last call, in lines."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def told() -> list[str]:
            lines: list[str] = []
            try:
                while True:
                    lines += manager.recv(4096).decode().splitlines()
            except BlockingIOError:
                return lines

        yield told
