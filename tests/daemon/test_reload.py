"""A reload: who is answered, what happens to the policy in use, and when the one before it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.config import ConfigError
from pywall_core.config.errors import Problem
from pywall_core.daemon.reload import Reload
from pywall_core.daemon.runtime_config import Policy
from pywall_core.kernel.command import CommandError

from .conftest import FakeClient, FakePool, MakePolicy

#: what a client is told of a reload that went well
DONE = {"ok": True, "plan": "queue 1"}


class Pools:
    """As the supervisor's, without processes: a pool is ready as soon as it is started."""

    def __init__(self, make_pool: Callable[..., FakePool]) -> None:
        self._make_pool = make_pool
        self.current: Any = make_pool()
        self.coming: Any = None
        self.refuses = ""
        self.given_up: list[Any] = []

    def start(self, policy: Policy) -> None:
        self.coming = self._make_pool(policy=policy)

    def switch(self) -> None:
        if self.refuses:
            raise CommandError(self.refuses)
        self.current, self.coming = self.coming, None

    def give_up(self) -> None:
        self.given_up.append(self.coming)
        self.coming = None


@pytest.fixture
def pools(make_pool: Callable[..., FakePool]) -> Pools:
    return Pools(make_pool)


@pytest.fixture
def reload(pools: Pools, make_policy: MakePolicy) -> Reload:
    return Reload(pools, lambda: make_policy("new.yaml"))


def test_nothing_happens_that_nobody_asked_for(reload: Reload, pools: Pools) -> None:
    before = pools.current
    reload.advance(1.0)
    assert (pools.current, pools.coming) == (before, None)


def test_a_client_is_answered_when_the_new_workers_process_packets(
    reload: Reload, pools: Pools, client: FakeClient
) -> None:
    reload.ask_for(client, None)
    assert client.until >= 60, "a reload takes longer than other requests"
    reload.advance(1.0)
    assert pools.current.policy.name == "new.yaml"
    assert client.answered == [DONE]
    assert reload.unconfirmed(1.0) is None


def test_a_signal_reloads_without_anybody_who_waits(reload: Reload, pools: Pools) -> None:
    reload.ask()
    reload.advance(1.0)
    assert pools.current.policy.name == "new.yaml"


def test_it_waits_until_the_new_workers_are_ready(reload: Reload, pools: Pools, client: FakeClient) -> None:
    start = pools.start

    def start_slowly(policy: Policy) -> None:
        start(policy)
        pools.coming.is_ready = False

    pools.start = start_slowly  # type: ignore[method-assign]
    reload.ask_for(client, None)
    reload.advance(1.0)
    assert (pools.current.policy.name, client.answered) == ("test.yaml", [])
    pools.coming.is_ready = True
    reload.advance(2.0)
    assert (pools.current.policy.name, client.answered) == ("new.yaml", [DONE])


def test_a_policy_with_errors_changes_nothing(pools: Pools, client: FakeClient) -> None:
    def read_policy() -> Policy:
        raise ConfigError([Problem(3, 1, "chains.INPUT[0]", "no such rule")])

    reload, before = Reload(pools, read_policy), pools.current
    reload.ask_for(client, None)
    reload.advance(1.0)
    assert (pools.current, pools.coming) == (before, None)
    (answer,) = client.answered
    assert not answer["ok"]
    assert "no such rule" in answer["error"]


@pytest.mark.parametrize("fault", ["a worker ends", "the kernel refuses the rules"])
def test_what_cannot_be_put_to_work_is_given_up(reload: Reload, pools: Pools, client: FakeClient, fault: str) -> None:
    before = pools.current
    reload.ask_for(client, None)
    if fault == "a worker ends":
        start = pools.start

        def start_badly(policy: Policy) -> None:
            start(policy)
            pools.coming.failed = (1, fault)

        pools.start = start_badly  # type: ignore[method-assign]
    else:
        pools.refuses = fault
    reload.advance(1.0)
    assert pools.current is before
    assert len(pools.given_up) == 1
    assert client.answered == [{"ok": False, "error": fault}]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()], ids=repr)
def test_a_switch_that_fails_behind_the_rules_is_said_and_goes_again(
    reload: Reload, pools: Pools, client: FakeClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The new policy is in use: who has asked for a time to confirm may be shut out by it."""
    switch = pools.switch

    def switch_halfway() -> None:
        switch()
        raise error

    monkeypatch.setattr(pools, "switch", switch_halfway)
    reload.ask_for(client, 10)
    reload.advance(100.0)
    (answer,) = client.answered
    assert not answer["ok"]
    assert answer["error"].startswith("the new policy is in use, but ")
    assert answer["error"].endswith(str(error) or "MemoryError")
    assert (pools.current.policy.name, reload.unconfirmed(104.0)) == ("new.yaml", 6.0)
    reload.advance(110.0)
    reload.advance(110.1)
    assert (pools.current.policy.name, reload.unconfirmed(111.0)) == ("test.yaml", None)
    reload.advance(200.0)
    assert pools.current.policy.name == "test.yaml"


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError()], ids=repr)
@pytest.mark.parametrize("step", ["start", "switch"])
def test_a_system_that_lacks_something_costs_the_coming_workers_alone(
    reload: Reload, pools: Pools, client: FakeClient, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    before = pools.current

    def refuse(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pools, step, refuse)
        reload.ask_for(client, None)
        reload.advance(1.0)
    assert (pools.current, pools.coming) == (before, None)
    assert client.answered == [{"ok": False, "error": str(error) or "MemoryError"}]
    reload.ask()
    reload.advance(2.0)
    assert pools.current.policy.name == "new.yaml"


def test_who_asks_during_a_reload_waits_for_the_next_one(reload: Reload, pools: Pools) -> None:
    """The file may have changed since the one under way has read it."""
    first, second = FakeClient(), FakeClient()
    start = pools.start

    def ask_meanwhile(policy: Policy) -> None:
        start(policy)
        if not second.until:
            reload.ask_for(second, None)

    pools.start = ask_meanwhile  # type: ignore[method-assign]
    reload.ask_for(first, None)
    reload.advance(1.0)
    assert (first.answered, second.answered) == ([DONE], [])
    reload.advance(2.0)
    assert second.answered == [DONE]
    assert first.answered == [DONE], "nobody is answered twice"


def test_a_policy_that_nobody_confirms_goes_again(reload: Reload, pools: Pools, client: FakeClient) -> None:
    reload.ask_for(client, 10)
    reload.advance(100.0)
    assert (pools.current.policy.name, reload.unconfirmed(104.0)) == ("new.yaml", 6.0)
    reload.advance(109.0)
    assert pools.current.policy.name == "new.yaml"
    reload.advance(110.0)
    reload.advance(110.1)
    assert (pools.current.policy.name, reload.unconfirmed(111.0)) == ("test.yaml", None)


def test_a_policy_that_cannot_return_is_tried_again(
    reload: Reload, pools: Pools, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has shut himself out waits for it."""
    reload.ask_for(FakeClient(), 10)
    reload.advance(100.0)
    start = pools.start

    def start_badly(policy: Policy) -> None:
        start(policy)
        pools.coming.failed = (1, "no memory")

    with monkeypatch.context() as patch:
        patch.setattr(pools, "start", start_badly)
        reload.advance(110.0)
    assert pools.current.policy.name == "new.yaml"
    assert pools.coming is None
    reload.advance(120.0)
    assert pools.current.policy.name == "test.yaml"
    reload.confirm(client)
    assert client.answered[0]["ok"] is False


def test_a_policy_that_returns_is_not_confirmed_any_more(reload: Reload, pools: Pools, client: FakeClient) -> None:
    reload.ask_for(FakeClient(), 10)
    reload.advance(100.0)
    start = pools.start

    def start_slowly(policy: Policy) -> None:
        start(policy)
        pools.coming.is_ready = False

    pools.start = start_slowly  # type: ignore[method-assign]
    reload.advance(110.0)
    reload.confirm(client)
    assert client.answered[0]["ok"] is False
    pools.coming.is_ready = True
    reload.advance(111.0)
    assert (pools.current.policy.name, reload.unconfirmed(111.0)) == ("test.yaml", None)


def test_a_policy_that_is_confirmed_stays(reload: Reload, pools: Pools, client: FakeClient) -> None:
    reload.ask_for(FakeClient(), 10)
    reload.advance(100.0)
    reload.confirm(client)
    assert client.answered == [{"ok": True}]
    reload.advance(200.0)
    assert pools.current.policy.name == "new.yaml"
    reload.confirm(client)
    assert client.answered[1] == {"ok": False, "error": "no reload waits to be confirmed"}


@pytest.mark.parametrize("seconds", [0, -1, 90_000, "10", [10]])
def test_a_time_to_confirm_is_a_number_of_seconds(
    reload: Reload, pools: Pools, client: FakeClient, seconds: object
) -> None:
    before = pools.current
    reload.ask_for(client, seconds)
    reload.advance(1.0)
    assert client.answered == [{"ok": False, "error": "confirm is a number of seconds, 1 to 86400"}]
    assert pools.current is before
