"""The supervisor: owns the kernel rules, the configuration, the signals and the control socket; parses no packet.

Rules go in when every queue is bound and come out before one is closed. Whatever ends the supervisor, short of SIGKILL,
takes the rules out; after SIGKILL the workers die with it (PR_SET_PDEATHSIG), and the next start cleans up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import selectors
import signal
from time import monotonic
from typing import Any, Final

from ..config import Config, ConfigError
from ..kernel import ipset, privileges
from ..kernel.bypass_counter import INTERVAL, BypassCounter
from ..kernel.command import CommandError
from ..kernel.firewall import Firewall
from ..kernel.iptables import wanted_variant
from ..kernel.queues import LossCounter, statistics
from ..kernel.rundir import RunDir
from . import handover
from .channel import Message
from .control import Client, ControlSocket
from .helper_pool import HelperPool
from .runtime_config import Policy, read_policy
from .set_keeper import SetKeeper
from .signals import signals_in
from .systemd_notify import notify, reloading
from .worker_pool import PendingRequest, WorkerPool, WorkerProcess, worker_request

log: Final = logging.getLogger("pywall.supervisor")
_STEP: Final = 0.25
#: seconds between two steps above which the supervisor itself stood still (a paused machine, a stopped process)
_OWN_STALL: Final = 2.0
#: seconds that workers may take to say what they know, and between two times that they are asked
_DESCRIBE_SECONDS: Final = 5.0
_DESCRIBE_EVERY: Final = 5.0
#: seconds that a client of the control socket may wait for a reload
_RELOAD_SECONDS: Final = 120.0


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
        self._stopping = self._reload_asked = False
        self._pool: WorkerPool | None = None
        self._next_pool: WorkerPool | None = None
        self._control: ControlSocket | None = None
        self._pending_requests: list[PendingRequest] = []
        #: who waits for the next reload, and for the one under way (which may have read an older file)
        self._reloads: list[Client] = []
        self._reloading: list[Client] = []
        self._helpers = HelperPool()
        self._sets = SetKeeper(self._rundir, self._send_to_workers)
        self._losses = LossCounter()
        self._bypass_counter = BypassCounter()
        self._next_bypass_check = 0.0
        self._started = monotonic()
        self._next_second = 0.0
        self._rules_restored = 0
        self._rules_left = False
        self._last_step = monotonic()
        #: seconds within which the next reload is to be confirmed; the policy before it, and until when it may return
        self._confirm_within: float | None = None
        self._previous: Policy | None = None
        self._confirm_until = 0.0
        self._next_description = 0.0
        self._described_since = 0.0

    def run(self) -> int:
        """Run until a signal ends it. Exit code 0, 1 when rules could not be taken out.

        :raises ConfigError: the configuration is wrong
        :raises StartError: anything else that keeps it from starting; nothing is left behind
        :raises InUseError: another instance runs here
        :raises CommandError: iptables is missing or refuses the rules
        """
        if not privileges.has(privileges.CAP_NET_ADMIN):
            raise StartError(5, "pywall run needs root (CAP_NET_ADMIN)")
        policy = read_policy(self._source, print_events=self._print_events)
        self._rundir.acquire()
        try:
            self._firewall = Firewall(self._rundir, wanted_variant())
            with signals_in(self._selector, self._handle_signal):
                try:
                    code = self._run_loop(policy)
                finally:
                    self._shut_down()
                return 1 if self._rules_left else code
        finally:
            self._rundir.release()

    def _run_loop(self, policy: Policy) -> int:
        self._next_pool = self._start_pool(policy)
        while self._pool is None and not self._stopping:
            self._run_once()
            failure = self._next_pool.failure() if self._next_pool else None
            if failure:
                raise StartError(*failure)
            if self._next_pool and self._next_pool.ready():
                self._switch_pools()
        if self._stopping:
            return 0
        self._drop_privileges(policy.config)
        self._control = ControlSocket(self._rundir.socket, self._selector, self._handle)
        notify("READY=1", f"STATUS=policy {policy.name}")
        log.info("running: policy %s, %s", policy.name, self._describe_plan())
        while not self._stopping:
            self._run_once()
            self._advance_reload()
        return 0

    def _describe_plan(self) -> str:
        plan = self._pool.plan if self._pool else None
        return f"hooks {' '.join(plan.hooks)}, queue {plan.queue}, generation {plan.generation}" if plan else ""

    # --- worker pools -----------------------------------------------------------------------------------------------

    def _start_pool(self, policy: Policy) -> WorkerPool:
        queue = policy.config.queue
        first = queue.number
        if self._pool is not None:
            plan = self._pool.plan
            if first < plan.queue + plan.workers and plan.queue < first + queue.workers:
                first = plan.queue + plan.workers
        marks = self._firewall.draw_marks(queue.mark_mask, queue.workers)
        pool = WorkerPool(policy, policy.plan(first, self._rundir.next_generation(), marks), sets=self._sets.entries)
        pool.start()
        self._helpers.start(policy.config)
        for worker in pool.workers:
            self._register_worker(worker)
        return pool

    def _register_worker(self, worker: WorkerProcess) -> None:
        def receive() -> None:
            if not worker.listen():
                self._selector.unregister(worker.channel)

        self._selector.register(worker.channel, selectors.EVENT_READ, receive)

    def _switch_pools(self) -> None:
        """Switch the kernel rules to the next pool, in one step."""
        next_pool = self._next_pool
        if next_pool is None:
            return
        next_pool.take_shortcuts()
        next_pool.plan = self._firewall.install(next_pool.plan)
        self._sets.use(next_pool.policy.config)
        self._sets.begin(next_pool.drops())
        old, self._pool, self._next_pool = self._pool, next_pool, None
        if old is not None:
            self._collect_knowledge(old)
        knowledge = old.knowledge() if old is not None else handover.load(self._rundir.handover)
        self._helpers.use(next_pool.policy.config)
        for worker in next_pool.workers:
            self._helpers.connect(worker)
            worker.begin(knowledge)
        if next_pool.policy.config.queue.offload:
            self._firewall.count_offloaded()
        if old is not None:
            self._stop_pool(old)

    def _collect_knowledge(self, pool: WorkerPool, timeout: float = _DESCRIBE_SECONDS) -> None:
        """Wait until all workers have described what they know; what is late is left out."""
        for worker in pool.workers:
            worker.describe(wait=timeout)
        until = monotonic() + timeout
        while (late := [worker for worker in pool.workers if worker.describing]) and monotonic() < until:
            ready, _, _ = select.select([worker.channel for worker in late], [], [], 0.1)
            for worker in late:
                if worker.channel in ready and not worker.listen():
                    worker.describing = False
        if late:
            log.warning("hand-over: %d workers did not say in time what they know", len(late))

    def _keep_knowledge(self, now: float) -> None:
        """Have the workers describe what they know every few seconds, and keep it for the next start."""
        pool = self._pool
        if pool is None or any(worker.describing for worker in pool.workers):
            return
        if self._described_since:
            self._next_description = now + max(_DESCRIBE_EVERY, 50 * (now - self._described_since))
            self._described_since = 0.0
            self._write_knowledge(pool)
        elif now >= self._next_description:
            self._described_since = now
            for worker in pool.workers:
                worker.describe()

    def _write_knowledge(self, pool: WorkerPool) -> None:
        try:
            handover.write(self._rundir.handover, pool.knowledge())
        except OSError as error:
            log.warning("hand-over: %s: %s", self._rundir.handover, error.strerror)

    def _stop_pool(self, pool: WorkerPool) -> None:
        for worker in pool.workers:
            worker.ask({"do": "stop"})
        for worker in pool.workers:
            self._stop_worker(worker)

    def _stop_worker(self, worker: WorkerProcess) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel)
        worker.stop()

    def _advance_reload(self) -> None:
        """Carry a reload on, and take one back that nobody has confirmed."""
        if self._previous is not None and self._next_pool is None and monotonic() >= self._confirm_until:
            log.warning("the reload was not confirmed in time: the policy before it returns")
            previous, self._previous = self._previous, None
            self._next_pool = self._start_pool(previous)
        if self._reload_asked and self._next_pool is None:
            self._reload_asked = False
            self._reloading, self._reloads = self._reloads, []
            reloading()
            try:
                self._next_pool = self._start_pool(read_policy(self._source, print_events=self._print_events))
            except (ConfigError, OSError) as error:
                self._finish_reload(str(error))
        next_pool = self._next_pool
        if next_pool is None:
            return
        failure = next_pool.failure()
        if failure is None and next_pool.ready():
            try:
                before = self._pool.policy if self._pool else None
                self._switch_pools()
                if self._confirm_within is not None and self._reloading:
                    self._previous = self._previous or before
                    self._confirm_until = monotonic() + self._confirm_within
                    log.info("reloaded for %g s, unless 'pywall confirm' follows", self._confirm_within)
                    self._confirm_within = None
                self._finish_reload(None)
            except CommandError as error:
                failure = (1, str(error))
        if failure:
            self._next_pool = None
            self._stop_pool(next_pool)
            self._finish_reload(failure[1])

    def _finish_reload(self, error: str | None) -> None:
        if error is None:
            log.info("reloaded: %s", self._describe_plan())
        else:
            log.error("reload failed, keeping the current policy: %s", error)
        notify("READY=1")
        for client in self._reloading:
            client.answer({"ok": error is None, **({"error": error} if error else {})})

    # --- the loop -------------------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        for key, _ in self._selector.select(0 if self._sets.busy() else _STEP):
            key.data()
        now = monotonic()
        if now - self._last_step > _OWN_STALL and self._pool is not None:
            self._pool.excuse(now - self._last_step)
        self._last_step = now
        if self._pool is not None:
            for old, new in self._pool.replace_lost(now):
                self._register_worker(new)
                self._stop_worker(old)
            for worker in self._pool.workers:
                if worker.bound and not worker.judging:
                    self._helpers.connect(worker)
                    worker.begin(worker.knowledge)
            self._helpers.replace_lost(now, self._pool.workers)
            self._keep_knowledge(now)
        self._answer_requests(now)
        self._forward_set_changes()
        self._forward_announcements()
        if now >= self._next_second:
            self._next_second = now + 1.0
            self._run_every_second(now)

    def _forward_set_changes(self) -> None:
        """Changes that rules made go to the other workers; a batch of entries goes into the kernel."""
        pool = self._pool
        if pool is None:
            return
        for worker in pool.workers:
            changes, worker.set_changes = worker.set_changes, []
            for change in changes:
                wrong = self._sets.change(change, worker)
                if wrong:
                    log.warning("a rule's addition to a set is refused: %s", wrong)
        if self._sets.step():
            try:
                pool.plan = self._firewall.install(self._sets.plan(pool.plan, pool.drops()))
            except CommandError as error:
                log.error("sets in the kernel: %s (the workers decide)", error)

    def _forward_announcements(self) -> None:
        """A flow that one worker announces may come to another one."""
        workers = self._pool.workers if self._pool is not None else []
        for worker in workers:
            announcements, worker.announcements = worker.announcements, []
            for announcement in announcements:
                for other in workers:
                    if other is not worker:
                        other.ask(announcement)

    def _send_to_workers(self, change: Message, origin: object) -> None:
        for worker in self._pool.workers if self._pool is not None else ():
            if worker is not origin:
                worker.ask({"do": "set", **change})

    def _run_every_second(self, now: float) -> None:
        notify("WATCHDOG=1")
        if self._control is not None:
            self._control.expire(now)
        if self._pool is None:
            return
        try:
            if changed := self._firewall.keep():
                self._rules_restored += 1
                log.warning("our rules were changed by somebody else: restored (%s)", ", ".join(changed))
        except CommandError as error:
            log.error("the rules cannot be checked: %s", error)
        self._sets.keep()
        self._losses.update(now, self._pool.plan.queues())
        self._count_bypassed(now)

    def _count_bypassed(self, now: float) -> None:
        pool = self._pool
        if pool is None or now < self._next_bypass_check or not pool.policy.fails_open():
            return
        self._next_bypass_check = now + INTERVAL
        try:
            counted = self._firewall.queued()
        except CommandError:
            return  # keep() has said so
        queues = {number: queue for number, queue in statistics().items() if number in pool.plan.queues()}
        passed = self._bypass_counter.update(counted, {w.pid: w.judged for w in pool.workers}, queues)
        if passed:
            self._losses.add(now, "passed without a verdict, failing open", passed)
        if self._bypass_counter.total:
            pool.workers[0].ask({"do": "passed", "packets": self._bypass_counter.total})

    def _handle_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload_asked = True
        elif number == signal.SIGUSR1:
            for worker in self._pool.workers if self._pool is not None else ():
                worker.ask({"do": "reopen"})
        else:
            self._stopping = True

    # --- requests -------------------------------------------------------------------------------------------------

    def _handle(self, client: Client, request: Message) -> None:
        match request.get("command"):
            case "status":
                client.answer({"ok": True, **self._status()})
            case "reload":
                seconds = request.get("confirm")
                if seconds is not None and not (isinstance(seconds, (int, float)) and 1 <= seconds <= 86_400):
                    client.answer({"ok": False, "error": "confirm is a number of seconds, 1 to 86400"})
                    return
                self._reload_asked = True
                self._confirm_within = seconds
                client.until += _RELOAD_SECONDS
                self._reloads.append(client)
            case "confirm":
                waiting = self._previous is not None
                self._previous = None
                client.answer({"ok": waiting, **({} if waiting else {"error": "no reload waits to be confirmed"})})
            case "set":
                wrong = self._sets.change(request)
                client.answer({"ok": wrong is None, **({"error": wrong} if wrong else {})})
            case "stats" | "flows" | "flow" | "set-entries" as what if self._pool is not None:
                order = worker_request(what, request)
                if isinstance(order, str):
                    client.answer({"ok": False, "error": order})
                else:
                    self._pending_requests.append(PendingRequest(client, what, self._pool.workers, order))
            case _:
                client.answer(
                    {
                        "ok": False,
                        "error": "unknown command (status, stats, flows, flow, set, set-entries, reload, confirm)",
                    }
                )

    def _status(self) -> dict[str, Any]:
        pool = self._pool
        if pool is not None:
            self._losses.update(monotonic(), pool.plan.queues())
        return {
            "pid": os.getpid(),
            "policy": pool.policy.name if pool else None,
            "mode": pool.policy.config.mode if pool else None,
            "uptime": round(monotonic() - self._started, 1),
            "iptables": self._firewall.variant,
            "hooks": list(pool.plan.hooks) if pool else [],
            "generation": pool.plan.generation if pool else 0,
            "workers": pool.describe() if pool else [],
            "restarts": pool.restarts if pool else 0,
            "rules_restored": self._rules_restored,
            "unconfirmed": round(self._confirm_until - monotonic(), 1) if self._previous is not None else None,
            "queues": self._losses.describe(),
        }

    def _answer_requests(self, now: float) -> None:
        for pending in list(self._pending_requests):
            if pending.finished(now):
                self._pending_requests.remove(pending)

    # --- begin and end --------------------------------------------------------------------------------------------

    def _drop_privileges(self, config: Config) -> None:
        keep = {privileges.CAP_NET_ADMIN}
        # iptables asks ipset for a set's number over a raw socket (xt_set)
        if self._firewall.variant == "legacy" or ipset.available():
            keep.add(privileges.CAP_NET_RAW)
        if config.run.user is not None:
            keep |= {privileges.CAP_SETUID, privileges.CAP_SETGID, privileges.CAP_KILL}
        if self._helpers:
            keep |= {privileges.CAP_SYS_PTRACE, privileges.CAP_DAC_READ_SEARCH}  # for one that has to be replaced
        privileges.keep_only(keep)

    def _shut_down(self) -> None:
        notify("STOPPING=1")
        self._sets.keep()
        try:
            self._firewall.remove()
        except CommandError as error:
            self._rules_left = True
            log.error("rules are left, and without a listener they drop packets: run 'pywall cleanup' (%s)", error)
        if self._pool is not None:
            self._collect_knowledge(self._pool, timeout=1.0)
            self._write_knowledge(self._pool)
        for pool in (self._next_pool, self._pool):
            if pool is not None:
                self._stop_pool(pool)
        self._helpers.stop()
        if self._control is not None:
            self._control.close()
        log.info("stopped")
