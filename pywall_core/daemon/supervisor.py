"""The supervisor: owns the kernel rules, the configuration, the signals and the control socket; parses no packet.

Rules go in when every queue is bound. At the end those that queue packets come out first, then the workers give what
waits its verdict, then all else that is ours comes out. Whatever ends the supervisor, short of SIGKILL,
takes the rules out; after SIGKILL the workers die with it (PR_SET_PDEATHSIG), and the next start cleans up.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
from time import monotonic, sleep
from typing import Any, Final

from ..config import Config
from ..kernel.bypass_counter import INTERVAL, BypassCounter
from ..kernel.command import CommandError
from ..kernel.firewall import SETS, Firewall
from ..kernel.iptables import wanted_variant
from ..kernel.queues import LossCounter, statistics
from ..kernel.rundir import RunDir
from . import capabilities
from .channel import Message
from .control import Client, ControlSocket
from .helper_pool import HelperPool
from .knowledge import Knowledge
from .pools import Pools
from .reload import Reload
from .requests import PendingRequest, worker_request
from .runtime_config import Policy, read_policy
from .set_keeper import SetKeeper
from .signals import signals_in
from .systemd_notify import notify
from .worker_pool import WorkerPool

log: Final = logging.getLogger("pywall.supervisor")
_STEP: Final = 0.25
#: seconds between two steps above which the supervisor itself stood still (a paused machine, a stopped process)
_OWN_STALL: Final = 2.0
_UNKNOWN: Final = "unknown command (status, stats, flows, flow, set, set-entries, reload, confirm)"


class StartError(Exception):
    """The firewall cannot start; ``code`` is the exit code, the text is for the user."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Supervisor:
    """One firewall in this network namespace.

    ``source`` as for :func:`pywall_core.config.load`; ``print_events`` has workers write events to standard output,
    whatever the configuration says: all as "json", or drops, alerts and anomalies as "text".
    """

    def __init__(self, source: str | None, *, print_events: str = "") -> None:
        self._source = source
        self._print_events = print_events
        self._rundir = RunDir()
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._control: ControlSocket | None = None
        self._pending_requests: list[PendingRequest] = []
        self._helpers = HelperPool()
        self._losses = LossCounter()
        self._bypass_counter = BypassCounter()
        self._next_bypass_check = 0.0
        self._started = monotonic()
        self._next_second = 0.0
        self._rules_restored = 0
        self._rules_left = False
        self._failures = 0
        self._last_step = monotonic()

    def run(self) -> int:
        """Run until a signal ends it. Exit code 0, 1 when rules could not be taken out.

        :raises ConfigError: the configuration is wrong
        :raises StartError: anything else that keeps it from starting; nothing is left behind
        :raises InUseError: another instance runs here
        :raises CommandError: iptables is missing or refuses the rules
        """
        _demand_capabilities(None)
        policy = self._read_policy()
        _demand_capabilities(policy.config)
        self._rundir.acquire()
        try:
            self._sets = SetKeeper(self._rundir, self._send_to_workers)
            self._firewall = Firewall(self._rundir, wanted_variant())
            knowledge = Knowledge(self._rundir.handover)
            self._pools = Pools(self._rundir, self._firewall, self._selector, self._sets, self._helpers, knowledge)
            self._reload = Reload(self._pools, self._read_policy)
            with signals_in(self._selector, self._handle_signal):
                try:
                    code = self._run_loop(policy)
                finally:
                    self._shut_down()
                return 1 if self._rules_left else code
        finally:
            self._rundir.release()

    def _read_policy(self) -> Policy:
        return read_policy(self._source, print_events=self._print_events)

    def _run_loop(self, policy: Policy) -> int:
        pools = self._pools
        pools.start(policy)
        while pools.coming is not None and not self._stopping:
            self._run_once()
            failure = pools.coming.failure()
            if failure:
                raise StartError(*failure)
            if pools.coming.ready():
                pools.switch()
        if self._stopping or pools.current is None:
            return 0
        capabilities.keep_needed(policy.config, self._firewall.variant)
        self._control = ControlSocket(self._rundir.socket, self._selector, self._handle)
        notify("READY=1", f"STATUS=policy {policy.name}")
        log.info("running: policy %s, %s", policy.name, pools.current.describe_plan())
        while not self._stopping:
            try:
                self._run_once()
                self._reload.advance(monotonic())
            except Exception:
                self._endure()
        return 0

    def _endure(self) -> None:
        """An error of our own, or a system without memory or files: the rules hold, and the next step may go well."""
        self._failures += 1
        if self._failures & (self._failures - 1) == 0:  # the 1st, 2nd, 4th, 8th ... is logged
            log.exception("internal error (%d so far)", self._failures)
        sleep(_STEP)

    # --- the loop -------------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        for key, _ in self._selector.select(0 if self._sets.busy() else _STEP):
            key.data()
        now = monotonic()
        if now - self._last_step > _OWN_STALL and self._pools.current is not None:
            self._pools.current.excuse(now - self._last_step)
        self._last_step = now
        self._pools.mend(now)
        self._answer_requests(now)
        self._forward_set_changes()
        self._forward_announcements()
        if now >= self._next_second:
            self._next_second = now + 1.0
            self._run_every_second(now)

    def _forward_set_changes(self) -> None:
        """Changes that rules made go to the other workers; a batch of entries goes into the kernel."""
        pool = self._pools.current
        if pool is None:
            return
        for worker in pool.workers:
            changes, worker.set_changes = worker.set_changes, []
            for change in changes:
                if wrong := self._sets.change(change, worker):
                    log.warning("a rule's addition to a set is refused: %s", wrong)
        if self._sets.step():
            try:
                pool.plan = self._firewall.install(self._sets.plan(pool.plan, pool.drops()))
            except CommandError as error:
                log.error("sets in the kernel: %s (the workers decide)", error)

    def _forward_announcements(self) -> None:
        """A flow that one worker announces may come to another one."""
        for worker in self._pools.workers:
            announcements, worker.announcements = worker.announcements, []
            for announcement in announcements:
                self._tell(announcement, worker)

    def _send_to_workers(self, change: Message, origin: object) -> None:
        self._tell({"do": "set", **change}, origin)

    def _tell(self, message: Message, origin: object) -> None:
        """Tell all workers but the one that it comes from; also those that are to take their place."""
        for worker in self._pools.all_workers:
            if worker is not origin:
                worker.ask(message)

    def _run_every_second(self, now: float) -> None:
        notify("WATCHDOG=1")
        if self._control is not None:
            self._control.expire(now)
        pool = self._pools.current
        if pool is None:
            return
        try:
            if changed := self._firewall.keep():
                self._rules_restored += 1
                log.warning("our rules were changed by somebody else: restored (%s)", ", ".join(changed))
                if SETS in changed:
                    self._sets.begin(pool.drops())
        except CommandError as error:
            log.error("the rules cannot be checked: %s", error)
        self._sets.keep()
        self._losses.update(now, pool.plan.queues())
        self._count_bypassed(now, pool)

    def _count_bypassed(self, now: float, pool: WorkerPool) -> None:
        if now < self._next_bypass_check or not pool.policy.fails_open():
            return
        self._next_bypass_check = now + INTERVAL
        try:
            counted = self._firewall.queued()
        except CommandError:
            return  # keep() has said so
        queues = {number: queue for number, queue in statistics().items() if number in pool.plan.queues()}
        passed = self._bypass_counter.update(counted, {w.pid: w.decided for w in pool.workers}, queues)
        if passed:
            self._losses.add(now, "passed without a verdict, failing open", passed)
        if self._bypass_counter.total:
            pool.workers[0].ask({"do": "passed", "packets": self._bypass_counter.total})

    def _handle_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload.ask()
        elif number == signal.SIGUSR1:
            for worker in self._pools.workers:
                worker.ask({"do": "reopen"})
        else:
            self._stopping = True

    # --- requests -------------------------------------------------------------------------------------------------

    def _handle(self, client: Client, request: Message) -> None:
        match request.get("command"):
            case "status":
                client.answer({"ok": True, **self._status()})
            case "reload":
                self._reload.ask_for(client, request.get("confirm"))
            case "confirm":
                self._reload.confirm(client)
            case "set":
                wrong = self._sets.change(request)
                client.answer({"ok": wrong is None, **({"error": wrong} if wrong else {})})
            case "stats" | "flows" | "flow" | "set-entries" as what:
                order = worker_request(what, request, self._sets.named)
                if isinstance(order, str):
                    client.answer({"ok": False, "error": order})
                else:
                    self._pending_requests.append(PendingRequest(client, what, self._pools.workers, order))
            case _:
                client.answer({"ok": False, "error": _UNKNOWN})

    def _status(self) -> dict[str, Any]:
        pool, now = self._pools.current, monotonic()
        if pool is not None:
            self._losses.update(now, pool.plan.queues())
        return {
            "pid": os.getpid(),
            "policy": pool.policy.name if pool else None,
            "mode": pool.policy.config.mode if pool else None,
            "uptime": round(now - self._started, 1),
            "iptables": self._firewall.variant,
            "hooks": list(pool.plan.hooks) if pool else [],
            "generation": pool.plan.generation if pool else 0,
            "workers": pool.describe() if pool else [],
            "restarts": pool.restarts if pool else 0,
            "rules_restored": self._rules_restored,
            "unconfirmed": self._reload.unconfirmed(now),
            "queues": self._losses.describe(),
        }

    def _answer_requests(self, now: float) -> None:
        self._pending_requests = [pending for pending in self._pending_requests if not pending.finished(now)]

    # --- begin and end --------------------------------------------------------------------------------------------

    def _shut_down(self) -> None:
        notify("STOPPING=1")
        try:
            self._sets.keep()
            if self._pools.current is not None:
                self._firewall.stop_queueing()
            self._pools.stop()
        except (MemoryError, OSError):
            log.exception("what is known is not kept, or a worker was not asked to end")
        try:
            self._firewall.remove()
        except (CommandError, MemoryError, OSError) as error:
            self._rules_left = True
            log.error("rules are left, and without a listener they drop packets: run 'pywall cleanup' (%s)", error)
        if self._control is not None:
            self._control.close()
        log.info("stopped")


def _demand_capabilities(config: Config | None) -> None:
    missing = capabilities.why_not_enough(config)
    if missing:
        raise StartError(5, missing)
