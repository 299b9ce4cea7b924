"""Reload: asked for by a signal or a client, carried on at every step, taken back where nobody confirms it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from .control import Client
from .runtime_config import Policy
from .systemd_notify import notify, reloading
from .worker_pool import WorkerPool

log: Final = logging.getLogger("pywall.supervisor")
#: seconds that a client of the control socket may wait for a reload
_RELOAD_SECONDS: Final = 120.0
#: seconds until a policy that could not return is tried again
_RETRY: Final = 5.0


class SwitchedPools(Protocol):
    """Of :class:`pywall_core.daemon.pools.Pools`."""

    current: WorkerPool | None
    coming: WorkerPool | None

    def start(self, policy: Policy) -> None:
        """Start the workers of a policy."""

    def switch(self) -> None:
        """Switch the kernel rules to them."""

    def give_up(self) -> None:
        """Stop them."""


class Reload:
    """``read_policy()`` returns the policy of the file as it is now."""

    def __init__(self, pools: SwitchedPools, read_policy: Callable[[], Policy]) -> None:
        self._pools = pools
        self._read_policy = read_policy
        self._asked = False
        #: who waits for the next reload, and for the one under way (which may have read an older file)
        self._waiting: list[Client] = []
        self._under_way: list[Client] = []
        #: seconds within which the next reload is to be confirmed; the policy before it, and until when it may return
        self._confirm_within: float | None = None
        self._previous: Policy | None = None
        self._confirm_until = 0.0

    def ask(self) -> None:
        """Have the policy read again, with nobody who waits for the answer."""
        self._asked = True

    def ask_for(self, client: Client, confirm: object) -> None:
        """Have the policy read again for a client. ``confirm``: seconds after which the policy before it returns."""
        if confirm is not None and not (isinstance(confirm, (int, float)) and 1 <= confirm <= 86_400):
            client.answer({"ok": False, "error": "confirm is a number of seconds, 1 to 86400"})
            return
        self._asked = True
        self._confirm_within = confirm
        client.until += _RELOAD_SECONDS
        self._waiting.append(client)

    def confirm(self, client: Client) -> None:
        """Keep the policy that was loaded for a while."""
        waited = self._previous is not None and not self._returns()
        if waited:
            self._previous = None
        client.answer({"ok": waited, **({} if waited else {"error": "no reload waits to be confirmed"})})

    def unconfirmed(self, now: float) -> float | None:
        """Return the seconds that are left to confirm the last reload, None when none waits for it."""
        return round(self._confirm_until - now, 1) if self._previous is not None else None

    def _returns(self) -> bool:
        """Return whether the policy before the last reload is about to return."""
        return self._pools.coming is not None and self._pools.coming.policy is self._previous

    def advance(self, now: float) -> None:
        """Begin what was asked for, carry it on, take back what nobody has confirmed. Call it at every step.

        Whatever goes wrong costs the coming workers alone, or is said where they are in use already.
        """
        pools, before = self._pools, self._pools.current
        try:
            if self._previous is not None and pools.coming is None and now >= self._confirm_until:
                log.warning("the reload was not confirmed in time: the policy before it returns")
                self._confirm_until = now + _RETRY
                pools.start(self._previous)
            if self._asked and pools.coming is None:
                self._begin()
            if pools.coming is not None:
                self._carry_on(pools.coming, now)
        except Exception as error:
            text = str(error) or type(error).__name__
            if pools.current is before:
                pools.give_up()
                self._finish(text)
            else:
                self._finish(f"the new policy is in use, but not all went well: {text}", kept=False)

    def _begin(self) -> None:
        self._asked = False
        self._under_way, self._waiting = self._waiting, []
        reloading()
        self._pools.start(self._read_policy())

    def _carry_on(self, coming: WorkerPool, now: float) -> None:
        failure = coming.failure()
        if failure is not None:
            self._pools.give_up()
            self._finish(failure[1])
        elif coming.ready():
            current, returns = self._pools.current, self._returns()
            try:
                self._pools.switch()
            finally:
                if self._pools.current is not current:
                    if returns:
                        self._previous = None
                    else:
                        self._await_confirmation(current.policy if current is not None else None, now)
            self._finish(None)

    def _await_confirmation(self, before: Policy | None, now: float) -> None:
        if self._confirm_within is not None and self._under_way:
            self._previous = self._previous or before
            self._confirm_until = now + self._confirm_within
            log.info("reloaded for %g s, unless 'pywall confirm' follows", self._confirm_within)
            self._confirm_within = None

    def _finish(self, error: str | None, *, kept: bool = True) -> None:
        plan = self._pools.current.describe_plan() if self._pools.current else ""
        if error is None:
            log.info("reloaded: %s", plan)
        else:
            log.error("reload failed%s: %s", ", keeping the current policy" if kept else "", error)
        notify("READY=1")
        for client in self._under_way:
            client.answer({"ok": False, "error": error} if error else {"ok": True, "plan": plan})
        self._under_way = []
