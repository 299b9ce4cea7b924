"""A worker with a real engine and a queue that is none: what it is told, and what it says."""

from __future__ import annotations

import base64
import gc
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pywall_core.config import ConfigError
from pywall_core.daemon import worker as module
from pywall_core.daemon.channel import Channel, Message
from pywall_core.daemon.worker import DRAIN, Worker
from pywall_core.flows.packing import pack, unpack
from pywall_core.kernel.marks import DEFAULT_MASK, Marks
from pywall_core.packet.decode import decode
from pywall_core.sources import nfqueue
from pywall_core.testing import udp_packet

POLICY = "version: 1\nplugins: []\nqueue: {offload: false}\nsets: {bad: {type: addresses}}\nevents: {stats: 0}\n"


class FakeQueue:
    """In the place of the kernel's queue. Running, it takes the turns that the test has planned."""

    def __init__(self, options: Any, processor: Any, pulse: Any) -> None:
        self.options, self.process, self.pulse = options, processor.process, pulse
        self.failures = 0
        self.closed = False

    def run(self, _descriptor: int) -> None:
        """Return when the worker ends, as the real one does on :class:`Stop`."""

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nfqueue, "NFQueue", FakeQueue)
    monkeypatch.setattr(module, "original_keys", frozenset)
    monkeypatch.setattr("pywall_core.lint.lint_mtu", lambda *_: None)
    monkeypatch.setattr(module, "statistics", dict)
    monkeypatch.setattr(module.gc, "freeze", lambda: None)
    monkeypatch.setattr(module.gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(module.sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(module, "Watchdog", lambda _: SimpleNamespace(start=lambda: None, stop=lambda: None))


def order(policy: str = POLICY) -> Message:
    return {
        "text": base64.b64encode(policy.encode()).decode(),
        "name": "policy.yaml",
        "queue": 3,
        "index": 0,
        "marks": Marks(DEFAULT_MASK).as_json(),
        "print_events": "",
        "user": None,
        "parent": 1,
        "sets": [{"op": "add", "set": "bad", "entries": ["192.0.2.9"], "for": None}],
    }


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours), Channel(theirs, takes_descriptors=True)


@pytest.fixture
def supervisor(ends: tuple[Channel, Channel]) -> Channel:
    return ends[0]


@pytest.fixture
def worker(ends: tuple[Channel, Channel]) -> Any:
    return Worker(ends[1], order())


def said(supervisor: Channel, kind: str) -> list[Message]:
    return [message for message in supervisor.receive() if message["is"] == kind]


def packet(port: int) -> Any:
    return decode(udp_packet("192.0.2.1", port, "192.0.2.2", 53, b"x"), 1.0, 1)


def test_the_garbage_collector_works_while_packets_come(worker: Any, supervisor: Channel) -> None:
    seen: list[bool] = []
    worker._queue.run = lambda _descriptor: seen.append(gc.isenabled())
    supervisor.send({"do": "go"})
    gc.disable()  # as while a worker loads
    try:
        worker.run()
    finally:
        gc.enable()
    assert seen == [True]


@pytest.mark.parametrize("index", [0, 1])
def test_the_first_one_says_what_is_suspicious(
    ends: tuple[Channel, Channel], caplog: pytest.LogCaptureFixture, index: int
) -> None:
    pytest.importorskip("pywall_rules")
    rules = "[{rule: always, action: ACCEPT}, {rule: port, dst: 22, action: DROP}]"
    policy = f"version: 1\nplugins: [rules]\nqueue: {{offload: false}}\nchains: {{INPUT: {rules}}}\n"
    Worker(ends[1], {**order(policy), "index": index, "sets": []})
    assert ("[W010]" in caplog.text) is (index == 0)
    assert "policy.yaml:4:" in caplog.text or index


def test_a_lint_that_fails_keeps_nobody_from_starting(
    ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "lint_rules", lambda *_: 1 // 0)
    Worker(ends[1], order())
    assert "internal error while looking" in caplog.text


def test_it_says_bound_and_processes_packets_when_it_is_told_to(worker: Any, supervisor: Channel) -> None:
    supervisor.send({"do": "go"})
    worker.run()
    assert supervisor.wait(1.0)["is"] == "bound"
    assert worker._queue.closed
    assert worker._queue.options.number == 3


def test_what_the_workers_before_it_knew_is_there_before_the_first_packet(worker: Any, supervisor: Channel) -> None:
    other = Worker(supervisor, order())
    other._engine.process(packet(1000))
    (text,) = pack(other._engine.continuation.describe_flows())
    supervisor.send({"do": "inherit", "flows": text, "state": "hostile"})
    supervisor.send({"do": "go"})
    worker.run()
    worker._engine.process(packet(1000))
    assert [found.inherited for found in worker._engine.flows] == [True]


def test_it_may_be_told_to_stop_before_it_begins(worker: Any, supervisor: Channel) -> None:
    supervisor.send({"do": "stop"})
    worker.run()
    assert not worker._queue.closed, "it has processed nothing"


def test_entries_that_came_before_it_are_in_its_sets(worker: Any, supervisor: Channel) -> None:
    supervisor.send({"do": "set-entries", "id": 1, "set": "bad", "test": ["192.0.2.9", "192.0.2.8"]})
    worker._pulse(1.0, False)
    (answer,) = said(supervisor, "answer")
    assert (answer["id"], answer["content"]["members"]) == (1, {"192.0.2.9": True, "192.0.2.8": False})


def test_it_gives_signs_of_life_with_its_count(worker: Any, supervisor: Channel) -> None:
    worker._engine.process(packet(1000))
    worker._pulse(1.0, False)
    assert said(supervisor, "alive") == [{"is": "alive", "decided": 1}]


def test_requests_are_answered_with_their_number(worker: Any, supervisor: Channel) -> None:
    worker._engine.process(packet(1000))
    (flow,) = worker._engine.flows
    supervisor.send({"do": "stats", "id": 7})
    supervisor.send({"do": "flows", "id": 8, "limit": 10, "sort": "", "filter": ""})
    supervisor.send({"do": "flow", "id": 9, "flow_id": flow.id})
    worker._pulse(2.0, False)
    stats, flows, one = said(supervisor, "answer")
    assert (stats["id"], flows["id"], one["id"]) == (7, 8, 9)
    assert len(flows["content"]) == 1
    assert one["content"]["flow_id"] == flow.id


def test_it_describes_all_flows_however_slowly_it_is_read(worker: Any, supervisor: Channel) -> None:
    for port in range(1, 1001):
        worker._engine.process(packet(port))
    supervisor.send({"do": "describe"})
    flows = 0
    for turn in range(1000):
        worker._pulse(float(turn), False)
        for message in supervisor.receive():
            flows += len(unpack(message.get("flows")))
            if message["is"] == "described":
                assert flows == 1000
                return
    pytest.fail("the description has no end")


def test_packets_wait_for_one_message_of_a_description_not_for_all_of_it(worker: Any, supervisor: Channel) -> None:
    for port in range(1, 1001):
        worker._engine.process(packet(port))
    supervisor.send({"do": "describe"})
    for turn in range(5):
        worker._pulse(float(turn), False)
        assert [len(unpack(message["flows"])) for message in said(supervisor, "knows") if "flows" in message] == [200]
        assert worker._queue.pause < nfqueue.PULSE, "the next message follows soon"
    for turn in range(5, 20):
        worker._pulse(float(turn), False)
    assert worker._queue.pause == nfqueue.PULSE


def test_packets_wait_for_some_of_the_connections_that_ended_not_for_all(worker: Any) -> None:
    more = [True, True, False, False]
    worker._carried = SimpleNamespace(poll=lambda _now: more.pop(0))
    pauses = []
    for _ in range(4):
        worker._pulse(1.0, False)
        pauses.append(worker._queue.pause)
    assert pauses[0] == pauses[1] < pauses[2] == pauses[3] == nfqueue.PULSE


@pytest.mark.parametrize("idle", [True, False])
def test_what_waits_is_processed_before_another_process_goes_on(worker: Any, supervisor: Channel, idle: bool) -> None:
    """What it processes after it has described its flows, nobody who goes on from there has seen."""
    supervisor.send({"do": "describe", "number": 3, "wait": 1.0})
    worker._pulse(10.0, False)
    worker._engine.process(packet(1000))
    worker._pulse(10.0 + DRAIN / 2, False)
    assert said(supervisor, "knows") == []
    worker._engine.process(packet(1001))
    worker._pulse(10.0 + (DRAIN / 2 if idle else DRAIN), idle)
    messages = list(supervisor.receive())
    assert sum(len(unpack(message.get("flows"))) for message in messages) == 2
    assert {message["number"] for message in messages if message["is"] in ("knows", "described")} == {3}
    assert messages[-1]["is"] == "described"


def test_what_waits_is_processed_before_it_ends(worker: Any, supervisor: Channel) -> None:
    supervisor.send({"do": "stop"})
    worker._pulse(10.0, False)
    worker._pulse(10.0 + DRAIN / 2, False)
    with pytest.raises(nfqueue.Stop):
        worker._pulse(10.0 + DRAIN / 2, True)


def test_it_does_not_wait_for_ever_for_a_queue_to_be_empty(worker: Any, supervisor: Channel) -> None:
    supervisor.send({"do": "stop"})
    worker._pulse(10.0, False)
    with pytest.raises(nfqueue.Stop):
        worker._pulse(10.0 + DRAIN, False)


def test_it_ends_with_the_supervisor(worker: Any, supervisor: Channel) -> None:
    supervisor.close()
    with pytest.raises(nfqueue.Stop):
        worker._pulse(1.0, False)


def test_what_it_cannot_use_is_an_error_of_the_file(ends: tuple[Channel, Channel]) -> None:
    with pytest.raises(ConfigError, match="no_such_rule"):
        Worker(ends[1], order("version: 1\nchains: {INPUT: [{rule: no_such_rule, action: DROP}]}\n"))


@pytest.mark.parametrize(
    ("policy", "code"),
    [("version: 1\nqueue: {workers: many}\n", 3), ("version: 1\nplugins: [no-such-plugin]\n", 3)],
)
def test_the_program_says_in_one_message_why_it_cannot_start(
    ends: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch, policy: str, code: int
) -> None:
    supervisor, channel = ends
    monkeypatch.setattr(module.sys, "argv", ["worker", "--channel", str(socket.dup(channel.fileno()))])
    monkeypatch.setattr(module, "_prepare", lambda _: None)
    monkeypatch.setattr(module, "log_to_stderr", lambda _: None)
    monkeypatch.setattr(module.gc, "disable", lambda: None)
    supervisor.send(order(policy))
    assert module.main() == code
    failed = supervisor.wait(1.0)
    assert (failed["is"], failed["code"]) == ("failed", code)
    assert "policy.yaml:2" in failed["message"]


@pytest.mark.parametrize(("user", "advised"), [(0, False), (65534, True)])
def test_a_module_that_the_user_may_not_read_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, user: int, advised: bool
) -> None:
    monkeypatch.setattr(module.os, "geteuid", lambda: user)
    text = module._describe(ModuleNotFoundError("No module named 'pywall_core.engine.engine'"))
    assert text.startswith("worker: ModuleNotFoundError: No module named")
    assert ("install both elsewhere" in text) is advised
