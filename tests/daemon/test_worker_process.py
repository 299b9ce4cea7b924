"""One worker process, whose program is the test itself: the other end of its channel is read and written here."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import Any

import pytest

from pywall_core.daemon import channel
from pywall_core.daemon.channel import Channel
from pywall_core.daemon.worker_process import HUNG, START, WorkerProcess
from pywall_core.kernel.marks import DEFAULT_MASK, Marks

from .conftest import MakePolicy


class FakeProcess:
    """In the place of :class:`subprocess.Popen`: it has the worker's end of the channel."""

    pid = 1 << 30  # no process has it

    def __init__(self, argv: list[str], *, pass_fds: list[int], **_: object) -> None:
        self.argv = argv
        self.channel = Channel(socket.socket(fileno=os.dup(pass_fds[0])))
        self.code: int | None = None
        self.deaf = self.endless = False

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if self.deaf:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.argv, timeout)
        self.code = 0 if self.code is None else self.code
        return self.code

    def kill(self) -> None:
        if not self.endless:
            self.deaf, self.code = False, -signal.SIGKILL


@pytest.fixture
def worker(make_policy: MakePolicy, monkeypatch: pytest.MonkeyPatch) -> WorkerProcess:
    monkeypatch.setattr(subprocess, "Popen", FakeProcess)
    policy = make_policy(queue={"number": 5, "workers": 2})
    return WorkerProcess(policy, policy.plan(5, 1, Marks(DEFAULT_MASK)), 1, [{"op": "add"}])


@pytest.fixture
def process(worker: WorkerProcess) -> Any:
    return worker._process


def test_it_is_told_its_policy_queue_and_sets(process: FakeProcess) -> None:
    order = process.channel.wait(1.0)
    assert (order["queue"], order["index"], order["name"]) == (6, 1, "test.yaml")
    assert order["sets"] == [{"op": "add"}]
    assert order["parent"] == os.getpid()


@pytest.mark.parametrize(
    ("message", "what", "expected"),
    [
        ({"is": "bound", "drops": [["INPUT", "bad", "src"]]}, "drops", [("INPUT", "bad", "src")]),
        ({"is": "bound"}, "bound", True),
        ({"is": "bound", "skip_bare_acks": True}, "skip_bare_acks", True),
        ({"is": "bound", "skip_bare_acks": 1}, "skip_bare_acks", False),
        ({"is": "alive", "decided": 12}, "decided", 12),
        ({"is": "failed", "code": 3, "message": "no plugin"}, "failure", (3, "no plugin")),
        ({"is": "answer", "id": 1}, "answers", [{"is": "answer", "id": 1}]),
        ({"is": "set", "op": "add"}, "set_changes", [{"is": "set", "op": "add"}]),
        (
            {"is": "expects", "entry": [1, 2, 3, 4, 5, 6]},
            "announcements",
            [{"do": "expects", "entry": [1, 2, 3, 4, 5, 6]}],
        ),
        ({"is": "expects", "entry": "no list"}, "announcements", []),
        ({"is": "of a later version"}, "answers", []),
    ],
)
def test_what_it_says_is_kept(
    worker: WorkerProcess, process: FakeProcess, message: dict[str, Any], what: str, expected: object
) -> None:
    process.channel.send(message)
    assert worker.listen()
    assert getattr(worker, what) == expected


def test_a_description_counts_when_it_is_complete(worker: WorkerProcess, process: FakeProcess) -> None:
    worker.begin([])
    worker.describe()
    process.channel.send({"is": "knows", "number": 1, "flows": [[1]], "anything": "else"})
    assert worker.listen()
    assert (worker.knowledge, worker.describing) == ([], True)
    process.channel.send({"is": "described", "number": 1})
    assert worker.listen()
    assert (worker.knowledge, worker.describing) == ([{"flows": [[1]]}], False)


def test_the_answer_to_an_earlier_question_is_not_that_to_the_last(worker: WorkerProcess, process: FakeProcess) -> None:
    """A hand-over asks while the answer to the question of every five seconds is on its way: that is of before."""
    worker.begin([])
    worker.describe()
    worker.describe(wait=5.0)
    for number, flow in ((1, [0]), (2, [1])):
        process.channel.send({"is": "knows", "number": number, "flows": [flow]})
        assert worker.listen()
        assert (worker.knowledge, worker.describing) == ([], True)
        process.channel.send({"is": "described", "number": number})
    assert worker.listen()
    assert (worker.knowledge, worker.describing) == ([{"flows": [[1]]}], False)


def test_knowledge_comes_before_the_order_to_begin(worker: WorkerProcess, process: FakeProcess) -> None:
    process.channel.wait(1.0)
    worker.begin([{"flows": [[1]]}, {"state": {}}], exact=True)
    assert [process.channel.wait(1.0) for _ in range(3)] == [
        {"do": "inherit", "exact": True, "flows": [[1]]},
        {"do": "inherit", "exact": True, "state": {}},
        {"do": "go"},
    ]


def test_what_it_is_told_while_it_reads_nothing_comes_later_and_in_order(
    worker: WorkerProcess, process: FakeProcess
) -> None:
    """It was stopped for a while, or a packet takes long: entries of sets must not be missing afterwards."""
    told = [{"do": "set", "entries": ["x" * 1000], "n": n} for n in range(1000)]
    knowledge = [{"flows": "x" * 1000, "n": n} for n in range(1000)]
    process.channel.wait(1.0)
    for message in told[:500]:
        worker.ask(message)
    worker.begin(knowledge)
    for message in told[500:]:
        worker.ask(message)
    heard: list[Any] = []
    while len(heard) < 2001:
        worker.flush()
        heard += process.channel.receive()
    inherited = [{"do": "inherit", "exact": False, **message} for message in knowledge]
    assert heard == [*told[:500], *inherited, {"do": "go"}, *told[500:]]


def test_one_that_reads_nothing_for_too_long_is_ended(
    worker: WorkerProcess, process: FakeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MAX_UNSENT", 1000)
    while not worker.exited():
        worker.ask({"do": "set", "entries": ["x" * 1000]})
    assert worker.end() == "signal 9"


@pytest.mark.parametrize(
    "line",
    [
        b'{"is": "alive", "decided": "many"}',
        b'{"is": "alive", "decided": [1]}',
        b'{"is": "bound", "drops": 5}',
        b'{"is": "bound", "drops": [[1]]}',
        b'{"is": "failed", "code": {}}',
        b'{"is": "shared", "entry": ' + b"[" * 990 + b"]" * 990 + b"}",
    ],
)
def test_one_that_says_what_no_worker_says_is_not_listened_to(
    worker: WorkerProcess, process: FakeProcess, line: bytes
) -> None:
    process.channel.socket.sendall(line + b"\n")
    heard = worker.listen()
    assert not worker.bound
    assert not heard or worker.announcements


def test_answers_that_nobody_waits_for_are_few(worker: WorkerProcess, process: FakeProcess) -> None:
    for number in range(200):
        process.channel.send({"is": "answer", "id": number})
    assert worker.listen()
    assert len(worker.answers) < 100
    assert worker.answers[-1]["id"] == 199


@pytest.mark.parametrize("ending", ["closed", "not JSON"])
def test_one_that_does_not_keep_to_the_form_is_not_listened_to(
    worker: WorkerProcess, process: FakeProcess, ending: str
) -> None:
    if ending == "closed":
        process.channel.close()
    else:
        process.channel.socket.sendall(b"}\n")
    assert not worker.listen()
    worker.ask({"do": "stats"})  # and nothing raises


def test_it_may_take_longer_to_start_than_to_answer(worker: WorkerProcess) -> None:
    now = worker.last_message
    assert not worker.overdue(now + START - 1)
    worker.bound = True
    assert not worker.overdue(now + HUNG - 1)
    assert worker.overdue(now + HUNG + 1)


def test_one_that_does_not_stop_is_killed(worker: WorkerProcess, process: FakeProcess) -> None:
    process.deaf = True
    worker.stop(timeout=0.0)
    assert worker.exited()
    assert worker.end() == "signal 9"


def test_one_that_cannot_be_killed_is_not_waited_for(worker: WorkerProcess, process: FakeProcess) -> None:
    """As in uninterruptible sleep: the supervisor goes on."""
    process.deaf = process.endless = True
    worker.stop(0.0)
    assert not worker.exited()


def test_one_that_stops_by_itself_has_an_exit_code(worker: WorkerProcess, process: FakeProcess) -> None:
    process.channel.wait(1.0)
    worker.stop()
    assert process.channel.wait(1.0) == {"do": "stop"}
    assert worker.end() == "exit code 0"
    assert worker.channel.fileno() == -1
