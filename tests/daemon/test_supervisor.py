"""The supervisor with a kernel and workers that are none: from the start to the end, no root needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywall_core.daemon import supervisor as module
from pywall_core.daemon.pools import Pools
from pywall_core.daemon.supervisor import StartError, Supervisor
from pywall_core.kernel import privileges
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.firewall import SETS
from pywall_core.kernel.rundir import RunDir

from .conftest import FakeClient, FakeFirewall, FakePool


class Machine:
    """What the supervisor finds around it. ``at_step[n]`` is called in the n-th turn of its loop."""

    def __init__(self, path: Path) -> None:
        self.firewall = FakeFirewall()
        self.pools: list[FakePool] = []
        self.at_step: dict[int, Callable[[Supervisor], None]] = {}
        self.privileged = True
        self.kept_privileges: set[int] = set()
        self.failure: tuple[int, str] | None = None
        self.policy = path / "policy.yaml"
        self.policy.write_text("version: 1\n")
        self.path = path

    def make_pool(self, *args: Any, **settings: Any) -> FakePool:
        pool = FakePool(*args, **settings, failed=self.failure)
        self.pools.append(pool)
        return pool


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(module, "Firewall", lambda *_: machine.firewall)
    monkeypatch.setattr(module, "wanted_variant", lambda: None)
    monkeypatch.setattr(module, "RunDir", lambda: RunDir(tmp_path / "run"))
    monkeypatch.setattr(module, "Pools", lambda *parts: Pools(*parts, make_pool=machine.make_pool))  # type: ignore[arg-type]
    monkeypatch.setattr(privileges, "has", lambda _: machine.privileged)
    monkeypatch.setattr(privileges, "keep_only", machine.kept_privileges.update)
    monkeypatch.setattr(module, "_STEP", 0.0)
    (tmp_path / "run").mkdir()
    return machine


class Stepped(Supervisor):
    """A supervisor that is told to end after its last planned turn."""

    machine: Machine
    turns = 0

    def _run_once(self) -> None:
        super()._run_once()
        self.turns += 1
        self.machine.at_step.pop(self.turns, lambda _: None)(self)
        if not self.machine.at_step and self.turns > 2:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def supervisor(machine: Machine) -> Stepped:
    made = Stepped(str(machine.policy))
    made.machine = machine
    return made


def test_rules_go_in_when_queues_are_bound_and_come_out_at_the_end(supervisor: Stepped, machine: Machine) -> None:
    assert supervisor.run() == 0
    (pool,) = machine.pools
    assert [plan.queue for plan in machine.firewall.installed] == [1]
    assert machine.firewall.removed
    assert pool.workers[0].processing
    assert pool.workers[0].stopped
    assert privileges.CAP_NET_ADMIN in machine.kept_privileges


def test_the_last_packets_are_decided_between_two_steps(supervisor: Stepped, machine: Machine) -> None:
    """The kernel drops what waits when a base chain goes, and what is queued where no worker listens."""
    machine.firewall.workers = lambda: machine.pools[0].workers
    assert supervisor.run() == 0
    assert machine.firewall.stopped == [[False], [True]]


def test_it_needs_root(supervisor: Stepped, machine: Machine) -> None:
    machine.privileged = False
    with pytest.raises(StartError) as refusal:
        supervisor.run()
    assert refusal.value.code == 5
    assert not machine.pools


def test_a_worker_that_cannot_start_ends_the_start_and_no_rule_was_put_in(
    supervisor: Stepped, machine: Machine
) -> None:
    machine.failure = (4, "queue 1 is taken")
    with pytest.raises(StartError, match="queue 1 is taken") as refusal:
        supervisor.run()
    assert refusal.value.code == 4
    assert machine.firewall.installed == []
    assert machine.pools[0].workers[0].stopped


def test_rules_that_cannot_be_taken_out_are_an_exit_code(
    supervisor: Stepped, machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise CommandError("no")

    monkeypatch.setattr(machine.firewall, "remove", refuse)
    assert supervisor.run() == 1
    assert "pywall cleanup" in caplog.text


def test_sighup_reloads_the_file(supervisor: Stepped, machine: Machine) -> None:
    def change(_: Supervisor) -> None:
        machine.policy.write_text("version: 1\nqueue: {workers: 2}\n")
        os.kill(os.getpid(), signal.SIGHUP)

    machine.at_step = {2: change, 6: lambda _: None}
    assert supervisor.run() == 0
    assert [plan.workers for plan in machine.firewall.installed] == [1, 2]
    assert machine.pools[0].workers[0].stopped


def test_a_file_with_errors_changes_nothing(
    supervisor: Stepped, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    def change(_: Supervisor) -> None:
        machine.policy.write_text("version: 1\nqueue: {workers: [\n")
        os.kill(os.getpid(), signal.SIGHUP)

    machine.at_step = {2: change, 6: lambda _: None}
    assert supervisor.run() == 0
    assert len(machine.firewall.installed) == 1
    assert "reload failed, keeping the current policy" in caplog.text


def test_rules_that_somebody_changed_are_put_back_and_counted(supervisor: Stepped, machine: Machine) -> None:
    client = FakeClient()
    machine.firewall.changed = ["filter/INPUT"]

    def let_a_second_pass(running: Any) -> None:
        running._next_second = 0.0

    machine.at_step = {2: let_a_second_pass, 3: lambda running: running._handle(client, {"command": "status"})}
    supervisor.run()
    (status,) = client.answered
    assert (status["rules_restored"], status["hooks"], status["unconfirmed"]) == (1, ["INPUT", "OUTPUT"], None)


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files"), KeyError("x")], ids=repr)
def test_an_error_of_its_own_takes_no_rule_out(
    supervisor: Stepped,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fail(_: Supervisor) -> None:
        raise error

    seen: list[bool] = []
    machine.at_step = {2: fail, 3: fail, 4: fail, 5: lambda _: seen.append(machine.firewall.removed)}
    assert supervisor.run() == 0
    assert seen == [False]
    assert caplog.text.count("internal error") == 2, "the first, the second, the fourth ... is said"


@pytest.mark.parametrize("error", [MemoryError(), OSError(24, "Too many open files")], ids=repr)
def test_what_cannot_be_kept_at_the_end_leaves_no_rule_behind(
    supervisor: Stepped, machine: Machine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: Pools) -> None:
        raise error

    monkeypatch.setattr(Pools, "stop", fail)
    assert supervisor.run() == 0
    assert machine.firewall.removed


def test_sets_that_somebody_destroyed_are_put_into_the_kernel_again(
    supervisor: Stepped, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(module.SetKeeper, "begin", lambda self, drops: begun.append(drops))

    def let_a_second_pass(running: Any) -> None:
        machine.firewall.changed = [SETS, "iptables mangle INPUT"]
        running._next_second = 0.0

    machine.at_step = {2: let_a_second_pass, 4: lambda _: None}
    supervisor.run()
    assert len(begun) == 2, "at the start, and when they had gone"


def test_what_one_worker_announces_the_others_are_told(supervisor: Stepped, machine: Machine) -> None:
    machine.policy.write_text("version: 1\nqueue: {workers: 3}\n")

    def announce(_: Supervisor) -> None:
        machine.pools[0].workers[1].announcements.append({"do": "expects", "entry": [1]})

    machine.at_step = {2: announce, 4: lambda _: None}
    supervisor.run()
    told = [{"do": "expects", "entry": [1]} in worker.asked for worker in machine.pools[0].workers]
    assert told == [True, False, True]


def test_a_change_to_a_set_goes_to_every_worker_but_the_one_it_came_from(supervisor: Stepped, machine: Machine) -> None:
    machine.policy.write_text("version: 1\nqueue: {workers: 2}\nsets: {bad: {type: addresses}}\n")
    change = {"op": "add", "set": "bad", "entries": ["192.0.2.1"], "for": None}

    def add(_: Supervisor) -> None:
        machine.pools[0].workers[0].set_changes.append(change)

    machine.at_step = {2: add, 4: lambda _: None}
    supervisor.run()
    told = [[m for m in worker.asked if m["do"] == "set"] for worker in machine.pools[0].workers]
    assert told == [[], [{"do": "set", **change}]]


def test_a_change_to_a_set_during_a_reload_is_told_to_the_workers_that_come(
    supervisor: Stepped, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were given the entries when they were started."""
    machine.policy.write_text("version: 1\nsets: {bad: {type: addresses}}\n")
    change = {"command": "set", "op": "add", "set": "bad", "entries": ["192.0.2.1"], "for": None}

    def reload_slowly(_: Supervisor) -> None:
        monkeypatch.setattr(FakePool, "ready", lambda _: False)
        os.kill(os.getpid(), signal.SIGHUP)

    machine.at_step = {2: reload_slowly, 6: lambda running: running._handle(FakeClient(), change)}
    supervisor.run()
    assert len(machine.pools) == 2
    for pool in machine.pools:
        assert [m["entries"] for m in pool.workers[0].asked if m["do"] == "set"] == [["192.0.2.1"]]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"command": "dance"}, "unknown command (status"),
        ({"command": "flow", "flow_id": "x"}, "flow_id is a number"),
        ({"command": "confirm"}, "no reload waits to be confirmed"),
        ({"command": "set", "set": "none"}, "there is no set 'none'"),
    ],
)
def test_a_request_that_cannot_be_met_is_answered(
    supervisor: Stepped, machine: Machine, request_: dict[str, Any], error: str
) -> None:
    client = FakeClient()
    machine.at_step = {2: lambda running: running._handle(client, request_)}
    supervisor.run()
    assert client.answered[0]["ok"] is False
    assert error in client.answered[0]["error"]


def test_sigusr1_has_workers_open_their_files_again(supervisor: Stepped, machine: Machine) -> None:
    machine.at_step = {2: lambda _: os.kill(os.getpid(), signal.SIGUSR1), 4: lambda _: None}
    supervisor.run()
    assert {"do": "reopen"} in machine.pools[0].workers[0].asked


def test_a_machine_that_stood_still_has_no_hung_workers(
    supervisor: Stepped, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still(running: Any) -> None:
        running._last_step -= 60

    machine.at_step = {2: stand_still, 3: lambda _: None}
    supervisor.run()
    assert machine.pools[0].excused >= 60
