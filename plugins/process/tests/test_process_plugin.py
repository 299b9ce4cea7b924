"""The plugin in the worker: asks the kernel, then the helper process, and tells the flow."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pywall_process import plugin as module
from pywall_process.plugin import ProcessOptions, ProcessPlugin
from pywall_process.sock_diag import Owner

from pywall_core.api import FORWARD, PENDING, YES, Flow
from pywall_core.testing import make_flow
from pywall_core.testing.host import FakeHost


class FakeKernel:
    owners: Owner | None = Owner(1000, 77, 1)

    def owner(self, *ends: object) -> Owner | None:
        return self.owners

    def close(self) -> None:
        pass


class Lab:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        monkeypatch.setattr(module, "SockDiag", FakeKernel)
        self.now = 100.0
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        self.host = FakeHost(live=True)
        self.plugin = ProcessPlugin(ProcessOptions(**options))
        self.plugin.pywall_startup(self.host)
        self.kernel = self.plugin._kernel
        self.connect()

    def connect(self) -> None:
        ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs.setblocking(False)
        self.host.helpers["process"].connect(ours)

    def flow(self, **attributes: Any) -> Flow:
        flow = make_flow(**attributes)
        self.plugin.pywall_flow_start(flow)
        return flow

    def asked(self) -> dict[str, Any]:
        question: dict[str, Any] = json.loads(self.theirs.recv(9999))
        return question

    def answer(self, **facts: object) -> None:
        self.theirs.send(json.dumps({"uid": 1000, "inode": 77, "cgroup": 1, "facts": facts}).encode())
        self.host.helpers["process"].read()

    def state(self, flow: Flow, name: str = "process.path") -> object:
        return self.plugin.pywall_fact_state(flow, name)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    made = Lab(monkeypatch)
    yield made
    made.plugin.pywall_shutdown()
    made.theirs.close()


def test_the_user_is_known_at_once_and_the_program_when_the_helper_says(lab: Lab) -> None:
    flow = lab.flow()
    assert flow.facts == {"process.uid": 1000}
    assert lab.state(flow, "process.uid") is YES
    assert lab.state(flow) is PENDING
    assert lab.asked() == {"uid": 1000, "inode": 77, "cgroup": 1}
    flow.cache.verdicts = ["something"] * 8  # type: ignore[list-item]
    lab.answer(path="/usr/bin/curl", pid=7)
    assert lab.state(flow) is YES
    assert flow.facts == {"process.uid": 1000, "process.path": "/usr/bin/curl", "process.pid": 7}
    assert flow.cache.verdicts == [None] * 8  # the rules are asked again


def test_flows_of_one_socket_are_asked_for_once_and_known_for_a_while(lab: Lab) -> None:
    flows = [lab.flow() for _ in range(3)]
    lab.asked()
    with pytest.raises(BlockingIOError):
        lab.asked()
    lab.answer(path="/usr/sbin/nginx")
    flows.append(lab.flow())
    assert {flow.facts["process.path"] for flow in flows} == {"/usr/sbin/nginx"}
    lab.now += 10
    lab.flow()
    assert lab.asked()["inode"] == 77


def test_what_the_helper_does_not_say_in_time_is_nobodys(lab: Lab) -> None:
    flow = lab.flow()
    lab.now += 1.9
    lab.plugin.pywall_tick(0)
    assert lab.state(flow) is PENDING
    lab.now += 0.2
    flow.cache.verdicts = ["something"] * 8  # type: ignore[list-item]
    lab.plugin.pywall_tick(0)
    assert lab.state(flow) is YES
    assert flow.facts == {"process.uid": 1000}
    assert flow.cache.verdicts == [None] * 8
    assert lab.plugin.pywall_stats()["timeouts"] == 1
    assert lab.plugin._waiting == {}


def test_a_new_helper_is_asked_again(lab: Lab) -> None:
    flow = lab.flow()
    lab.theirs.close()
    lab.plugin.pywall_tick(0)
    lab.connect()
    lab.plugin.pywall_tick(0)
    assert lab.asked()["inode"] == 77
    lab.answer(path="/usr/bin/curl")
    assert flow.facts["process.path"] == "/usr/bin/curl"


@pytest.mark.parametrize("owner", [None, Owner(0, 0, 1)])
def test_a_packet_without_a_socket_has_no_process(lab: Lab, owner: Owner | None) -> None:
    assert isinstance(lab.kernel, FakeKernel)
    lab.kernel.owners = owner
    flow = lab.flow()
    assert flow.facts == {}
    assert lab.state(flow) is YES


def test_forwarded_packets_and_other_protocols_have_none(lab: Lab) -> None:
    assert lab.flow(hook=FORWARD).facts == {}
    assert lab.flow(proto=47).facts == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"facts": {"path": 7, "pid": "7", "name": "x" * 2000, "shell": "x"}},
        {"facts": ["path"]},
        {"facts": None},
    ],
)
def test_answers_of_another_form_tell_nothing(lab: Lab, answer: dict[str, Any]) -> None:
    flow = lab.flow()
    lab.theirs.send(json.dumps({"uid": 1000, "inode": 77, "cgroup": 1, **answer}).encode())
    lab.theirs.send(b'{"uid": "1000"}')
    lab.theirs.send(b"[]")
    lab.host.helpers["process"].read()
    assert flow.facts == {"process.uid": 1000}


def test_a_flow_that_ends_is_named_if_it_still_can_be(lab: Lab) -> None:
    flow, other = lab.flow(), lab.flow()
    lab.theirs.send(json.dumps({"uid": 1000, "inode": 77, "cgroup": 1, "facts": {"path": "/usr/bin/dig"}}).encode())
    lab.plugin.pywall_flow_end(flow, "timeout")
    assert flow.facts["process.path"] == "/usr/bin/dig"
    assert other.facts["process.path"] == "/usr/bin/dig"
    assert lab.plugin.pywall_stats()["waiting"] == 0


def test_in_a_replay_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SockDiag", FakeKernel)
    plugin = ProcessPlugin(ProcessOptions())
    plugin.pywall_startup(FakeHost())
    flow = make_flow()
    plugin.pywall_flow_start(flow)
    assert plugin.pywall_fact_state(flow, "process.path") is YES
    assert flow.facts == {}
