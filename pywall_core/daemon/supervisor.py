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
from ..kernel.bypass_counter import INTERVAL, Passes
from ..kernel.command import CommandError
from ..kernel.firewall import Firewall
from ..kernel.iptables import wanted_variant
from ..kernel.queues import Losses, statistics
from ..kernel.rundir import RunDir
from . import handover
from .channel import Message
from .control import Client, ControlSocket
from .runtime_config import Policy, read_policy
from .set_keeper import SetKeeper
from .signals import signals_in
from .systemd_notify import notify, reloading
from .worker_pool import Question, Team, WorkerProcess, order_of

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
        self._team: Team | None = None
        self._coming: Team | None = None
        self._control: ControlSocket | None = None
        self._waiting: list[Question] = []
        #: who waits for the next reload, and for the one under way (which may have read an older file)
        self._reloads: list[Client] = []
        self._reloading: list[Client] = []
        self._sets = SetKeeper(self._rundir, self._tell_workers)
        self._losses = Losses()
        self._passes = Passes()
        self._next_passes = 0.0
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
            with signals_in(self._selector, self._signalled):
                try:
                    code = self._work(policy)
                finally:
                    self._end()
                return 1 if self._rules_left else code
        finally:
            self._rundir.release()

    def _work(self, policy: Policy) -> int:
        self._coming = self._new_team(policy)
        while self._team is None and not self._stopping:
            self._step()
            failure = self._coming.failure() if self._coming else None
            if failure:
                raise StartError(*failure)
            if self._coming and self._coming.ready():
                self._take_over()
        if self._stopping:
            return 0
        self._drop_privileges(policy.config)
        self._control = ControlSocket(self._rundir.socket, self._selector, self._handle)
        notify("READY=1", f"STATUS=policy {policy.name}")
        log.info("running: policy %s, %s", policy.name, self._words())
        while not self._stopping:
            self._step()
            self._advance()
        return 0

    def _words(self) -> str:
        plan = self._team.plan if self._team else None
        return f"hooks {' '.join(plan.hooks)}, queue {plan.queue}, generation {plan.generation}" if plan else ""

    # --- teams ----------------------------------------------------------------------------------------------------

    def _new_team(self, policy: Policy) -> Team:
        queue = policy.config.queue
        first = queue.number
        if self._team is not None:
            plan = self._team.plan
            if first < plan.queue + plan.workers and plan.queue < first + queue.workers:
                first = plan.queue + plan.workers
        marks = self._firewall.draw_marks(queue.mark_mask, queue.workers)
        team = Team(policy, policy.plan(first, self._rundir.next_generation(), marks), sets=self._sets.entries)
        team.start()
        for worker in team.workers:
            self._hear(worker)
        return team

    def _hear(self, worker: WorkerProcess) -> None:
        def listen() -> None:
            if not worker.listen():
                self._selector.unregister(worker.channel)

        self._selector.register(worker.channel, selectors.EVENT_READ, listen)

    def _take_over(self) -> None:
        """The coming team is ready: the rules lead to it from now on, in one step."""
        coming = self._coming
        if coming is None:
            return
        self._firewall.install(coming.plan)
        self._sets.use(coming.policy.config)
        self._sets.begin(coming.drops())
        old, self._team, self._coming = self._team, coming, None
        if old is not None:
            self._learn(old)
        knowledge = old.knowledge() if old is not None else handover.load(self._rundir.handover)
        for worker in coming.workers:
            worker.begin(knowledge)
        if coming.policy.config.queue.offload:
            self._firewall.count_offloaded()
        if old is not None:
            self._dismiss(old)

    def _learn(self, team: Team, timeout: float = _DESCRIBE_SECONDS) -> None:
        """Wait until all workers have described what they know; what is late is left out."""
        for worker in team.workers:
            worker.describe(wait=timeout)
        until = monotonic() + timeout
        while (late := [worker for worker in team.workers if worker.describing]) and monotonic() < until:
            ready, _, _ = select.select([worker.channel for worker in late], [], [], 0.1)
            for worker in late:
                if worker.channel in ready and not worker.listen():
                    worker.describing = False
        if late:
            log.warning("hand-over: %d workers did not say in time what they know", len(late))

    def _keep_knowledge(self, now: float) -> None:
        """Have the workers describe what they know now and then, and keep it for the next start."""
        team = self._team
        if team is None or any(worker.describing for worker in team.workers):
            return
        if self._described_since:
            self._next_description = now + max(_DESCRIBE_EVERY, 50 * (now - self._described_since))
            self._described_since = 0.0
            self._write_knowledge(team)
        elif now >= self._next_description:
            self._described_since = now
            for worker in team.workers:
                worker.describe()

    def _write_knowledge(self, team: Team) -> None:
        try:
            handover.write(self._rundir.handover, team.knowledge())
        except OSError as error:
            log.warning("hand-over: %s: %s", self._rundir.handover, error.strerror)

    def _dismiss(self, team: Team) -> None:
        for worker in team.workers:
            worker.ask({"do": "stop"})
        for worker in team.workers:
            self._part_from(worker)

    def _part_from(self, worker: WorkerProcess) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel)
        worker.stop()

    def _advance(self) -> None:
        """Carry a reload on, and take one back that nobody has confirmed."""
        if self._previous is not None and self._coming is None and monotonic() >= self._confirm_until:
            log.warning("the reload was not confirmed in time: the policy before it returns")
            previous, self._previous = self._previous, None
            self._coming = self._new_team(previous)
        if self._reload_asked and self._coming is None:
            self._reload_asked = False
            self._reloading, self._reloads = self._reloads, []
            reloading()
            try:
                self._coming = self._new_team(read_policy(self._source, print_events=self._print_events))
            except (ConfigError, OSError) as error:
                self._reloaded(str(error))
        coming = self._coming
        if coming is None:
            return
        failure = coming.failure()
        if failure is None and coming.ready():
            try:
                before = self._team.policy if self._team else None
                self._take_over()
                if self._confirm_within is not None and self._reloading:
                    self._previous = self._previous or before
                    self._confirm_until = monotonic() + self._confirm_within
                    log.info("reloaded for %g s, unless 'pywall confirm' follows", self._confirm_within)
                    self._confirm_within = None
                self._reloaded(None)
            except CommandError as error:
                failure = (1, str(error))
        if failure:
            self._coming = None
            self._dismiss(coming)
            self._reloaded(failure[1])

    def _reloaded(self, error: str | None) -> None:
        if error is None:
            log.info("reloaded: %s", self._words())
        else:
            log.error("not reloaded, the policy in force stays: %s", error)
        notify("READY=1")
        for client in self._reloading:
            client.answer({"ok": error is None, **({"error": error} if error else {})})

    # --- the loop -------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        for key, _ in self._selector.select(0 if self._sets.busy() else _STEP):
            key.data()
        now = monotonic()
        if now - self._last_step > _OWN_STALL and self._team is not None:
            self._team.excuse(now - self._last_step)
        self._last_step = now
        if self._team is not None:
            for old, new in self._team.replace_lost(now):
                self._hear(new)
                self._part_from(old)
            for worker in self._team.workers:
                if worker.bound and not worker.judging:
                    worker.begin(worker.knowledge)
            self._keep_knowledge(now)
        self._collect(now)
        self._pass_on_sets()
        if now >= self._next_second:
            self._next_second = now + 1.0
            self._each_second(now)

    def _pass_on_sets(self) -> None:
        """Changes that rules made go to the other workers; a batch of entries goes into the kernel."""
        team = self._team
        if team is None:
            return
        for worker in team.workers:
            changes, worker.set_changes = worker.set_changes, []
            for change in changes:
                wrong = self._sets.change(change, worker)
                if wrong:
                    log.warning("a rule's addition to a set is refused: %s", wrong)
        if self._sets.step():
            try:
                team.plan = self._sets.plan(team.plan, team.drops())
                self._firewall.install(team.plan)
            except CommandError as error:
                log.error("sets in the kernel: %s (the workers decide)", error)

    def _tell_workers(self, change: Message, origin: object) -> None:
        for worker in self._team.workers if self._team is not None else ():
            if worker is not origin:
                worker.ask({"do": "set", **change})

    def _each_second(self, now: float) -> None:
        notify("WATCHDOG=1")
        if self._control is not None:
            self._control.expire(now)
        if self._team is None:
            return
        try:
            if changed := self._firewall.keep():
                self._rules_restored += 1
                log.warning("our rules were changed by somebody else: restored (%s)", ", ".join(changed))
        except CommandError as error:
            log.error("the rules cannot be checked: %s", error)
        self._sets.keep()
        self._losses.look(now, self._team.plan.queues())
        self._look_for_passes(now)

    def _look_for_passes(self, now: float) -> None:
        team = self._team
        if team is None or now < self._next_passes or not team.policy.fails_open():
            return
        self._next_passes = now + INTERVAL
        try:
            counted = self._firewall.queued()
        except CommandError:
            return  # keep() has said so
        queues = {number: queue for number, queue in statistics().items() if number in team.plan.queues()}
        passed = self._passes.look(counted, {w.pid: w.judged for w in team.workers}, queues)
        if passed:
            self._losses.add(now, "passed unjudged, failing open", passed)
        if self._passes.total:
            team.workers[0].ask({"do": "passed", "packets": self._passes.total})

    def _signalled(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload_asked = True
        elif number == signal.SIGUSR1:
            for worker in self._team.workers if self._team is not None else ():
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
            case "stats" | "flows" | "flow" | "set-entries" as what if self._team is not None:
                order = order_of(what, request)
                if isinstance(order, str):
                    client.answer({"ok": False, "error": order})
                else:
                    self._waiting.append(Question(client, what, self._team.workers, order))
            case _:
                client.answer(
                    {
                        "ok": False,
                        "error": "unknown command (status, stats, flows, flow, set, set-entries, reload, confirm)",
                    }
                )

    def _status(self) -> dict[str, Any]:
        team = self._team
        if team is not None:
            self._losses.look(monotonic(), team.plan.queues())
        return {
            "pid": os.getpid(),
            "policy": team.policy.name if team else None,
            "mode": team.policy.config.mode if team else None,
            "uptime": round(monotonic() - self._started, 1),
            "iptables": self._firewall.variant,
            "hooks": list(team.plan.hooks) if team else [],
            "generation": team.plan.generation if team else 0,
            "workers": team.describe() if team else [],
            "restarts": team.restarts if team else 0,
            "rules_restored": self._rules_restored,
            "unconfirmed": round(self._confirm_until - monotonic(), 1) if self._previous is not None else None,
            "queues": self._losses.describe(),
        }

    def _collect(self, now: float) -> None:
        for question in list(self._waiting):
            if question.finished(now):
                self._waiting.remove(question)

    # --- begin and end --------------------------------------------------------------------------------------------

    def _drop_privileges(self, config: Config) -> None:
        keep = {privileges.CAP_NET_ADMIN}
        # iptables asks ipset for a set's number over a raw socket (xt_set)
        if self._firewall.variant == "legacy" or ipset.available():
            keep.add(privileges.CAP_NET_RAW)
        if config.run.user is not None:
            keep |= {privileges.CAP_SETUID, privileges.CAP_SETGID, privileges.CAP_KILL}
        privileges.keep_only(keep)

    def _end(self) -> None:
        notify("STOPPING=1")
        self._sets.keep()
        try:
            self._firewall.remove()
        except CommandError as error:
            self._rules_left = True
            log.error("rules are left, and without a listener they drop packets: run 'pywall cleanup' (%s)", error)
        if self._team is not None:
            self._learn(self._team, timeout=1.0)
            self._write_knowledge(self._team)
        for team in (self._coming, self._team):
            if team is not None:
                self._dismiss(team)
        if self._control is not None:
            self._control.close()
        log.info("stopped")
