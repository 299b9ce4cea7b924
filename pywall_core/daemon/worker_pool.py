"""Worker processes as the supervisor sees them: started, watched, replaced, stopped."""

from __future__ import annotations

import base64
import contextlib
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final

from ..flows.filter import FilterError, parse
from ..kernel.ruleset import Plan, SetDrop
from .channel import Channel, ChannelError, Message
from .control import Client
from .handover import MAX_LINES
from .runtime_config import Policy

log: Final = logging.getLogger("pywall.supervisor")
#: seconds without a sign of life after which a worker is taken for hung (it gives one every 0.25 s)
HUNG: Final = 3.5
#: seconds that a worker may take to load its plugins
START: Final = 60.0
#: longest pause between two attempts to replace a worker, seconds
_MAX_PAUSE: Final = 5.0
#: seconds that workers may take to answer a question
_ANSWER_SECONDS: Final = 3.0
#: values of an announced flow as workers tell it
_ENTRY: Final = 6
_request_numbers = itertools.count(1)


class WorkerProcess:
    """One process for one queue. ``failure`` is (exit code, message) once it has said that it cannot work."""

    def __init__(self, policy: Policy, plan: Plan, index: int = 0, sets: Sequence[Message] = ()) -> None:
        queue = plan.queue + index
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "pywall_core.daemon.worker", "--channel", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.queue = queue
        #: packets that it has given a verdict, as of its last sign of life
        self.judged = 0
        self.channel = Channel(ours)
        self.bound = False
        self.failure: tuple[int, str] | None = None
        self.started = self.last_message = monotonic()
        self.answers: list[Message] = []
        #: (hook, set, direction) of packets that the kernel may drop alone
        self.drops: list[tuple[str, str, str]] = []
        #: it needs no segments without content among the first packets of a connection
        self.skip_bare_acks = False
        #: changes of named sets that its rules made, to be passed on
        self.set_changes: list[Message] = []
        #: announced flows, to be told to the other workers
        self.announcements: list[Message] = []
        #: what it knows of live flows, as of its last complete description; messages for another worker
        self.knowledge: list[Message] = []
        self._incoming: list[Message] = []
        self.describing = False
        #: it was told to judge packets
        self.judging = False
        text = base64.b64encode(policy.text).decode()
        order = {
            "text": text,
            "name": policy.name,
            "queue": queue,
            "index": index,
            "marks": plan.marks.as_json(),
            "print_events": policy.print_events,
            "user": policy.config.run.user,
            "parent": os.getpid(),
            "sets": list(sets),
        }
        with contextlib.suppress(ChannelError):
            self.channel.send(order)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def exited(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def end(self) -> str:
        """Return how it ended, in words."""
        code = self._process.poll()
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def listen(self) -> bool:
        """Take in what it has said. False: it will say no more."""
        try:
            for message in self.channel.receive():
                self.last_message = monotonic()
                match message.get("is"):
                    case "alive":
                        self.judged = int(message.get("judged", 0))
                    case "bound":
                        self.bound = True
                        self.drops = [(str(h), str(s), str(d)) for h, s, d in message.get("drops", ())]
                        self.skip_bare_acks = message.get("skip_bare_acks") is True
                    case "set":
                        self.set_changes.append(message)
                    case "expects" if isinstance(message.get("entry"), list) and len(message["entry"]) == _ENTRY:
                        self.announcements.append({"do": "expects", "entry": message["entry"]})
                    case "failed":
                        self.failure = (int(message.get("code", 1)), str(message.get("message", "")))
                    case "answer":
                        self.answers.append(message)
                    case "knows":
                        self._incoming.append({key: message[key] for key in ("flows", "state") if key in message})
                        del self._incoming[MAX_LINES:]
                    case "described":
                        self.knowledge, self._incoming = self._incoming, []
                        self.describing = False
        except ChannelError:
            return False
        return True

    def begin(self, knowledge: Iterable[Message]) -> None:
        """Hand over what other workers knew, and have it judge packets."""
        self.judging = True
        with contextlib.suppress(ChannelError):
            for message in knowledge:
                self.channel.send({"do": "inherit", **message})
            self.channel.send({"do": "go"})

    def describe(self, wait: float = 0.0) -> None:
        """Ask for a description of all that it knows; ``knowledge`` has it when ``describing`` is False again.

        ``wait``: seconds that it may spend on nothing else.
        """
        if self.judging:
            self.describing = True
            self._incoming = []
            self.ask({"do": "describe", "wait": wait})

    def ask(self, message: Message) -> None:
        """Send a request, if it listens."""
        with contextlib.suppress(ChannelError):
            self.channel.try_send(message)

    def overdue(self, now: float) -> bool:
        """Return True if it gave no sign of life for too long."""
        return now - self.last_message > (HUNG if self.bound else START)

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self, timeout: float = 2.5) -> None:
        """Let it judge what waits and end; kill it after ``timeout`` seconds."""
        self.ask({"do": "stop"})
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self.channel.close()


@dataclass(slots=True)
class WorkerPool:
    """The workers of one configuration: worker i owns queue ``plan.queue + i``."""

    policy: Policy
    plan: Plan
    workers: list[WorkerProcess] = field(default_factory=list)
    restarts: int = 0
    #: named sets' entries for workers that start
    sets: Callable[[], Sequence[Message]] = lambda: ()
    _pauses: dict[int, float] = field(default_factory=dict)
    _due: dict[int, float] = field(default_factory=dict)

    def start(self) -> None:
        """Start all of them; they are no use before :meth:`ready`."""
        for index in range(self.plan.workers):
            self.workers.append(WorkerProcess(self.policy, self.plan, index, self.sets()))

    def ready(self) -> bool:
        """Return True if all queues are bound."""
        return all(worker.bound for worker in self.workers)

    def failure(self) -> tuple[int, str] | None:
        """Return the exit code and message of the first that cannot start."""
        for worker in self.workers:
            if worker.exited() or worker.failure:
                worker.listen()
                return worker.failure or (1, f"the worker process {worker.pid} ended while starting ({worker.end()})")
            if not worker.bound and worker.overdue(monotonic()):
                return 1, f"the worker process {worker.pid} did not start within {START:g} s"
        return None

    def replace_lost(self, now: float) -> list[tuple[WorkerProcess, WorkerProcess]]:
        """Replace workers that died or hang: each old one with its new one. What cannot start is tried again later."""
        replaced = []
        for index, worker in enumerate(self.workers):
            if worker.bound and now - worker.started > 30:
                self._pauses.pop(index, None)
            if not worker.exited():
                if not worker.overdue(now):
                    continue
                log.error("worker %d (queue %d) does not answer: ended", worker.pid, worker.queue)
                worker.kill()
            if index not in self._due:
                worker.listen()
                why = f": {worker.failure[1]}" if worker.failure else f" ({worker.end()})"
                pause = self._pauses.get(index, 0.0)
                self._pauses[index] = min(_MAX_PAUSE, pause * 2 or 0.5)
                self._due[index] = now + pause
                log.error("worker %d (queue %d) has ended%s; a new one starts", worker.pid, worker.queue, why)
            if now >= self._due[index]:
                del self._due[index]
                self.restarts += 1
                self.workers[index] = WorkerProcess(self.policy, self.plan, index, self.sets())
                self.workers[index].knowledge = worker.knowledge
                replaced.append((worker, self.workers[index]))
        return replaced

    def excuse(self, seconds: float) -> None:
        """Give workers that long again before they count as hung: nobody has read their messages."""
        for worker in self.workers:
            worker.last_message = min(worker.last_message + seconds, monotonic())

    def take_shortcuts(self) -> None:
        """Plan what the kernel may decide alone, as all workers said."""
        self.plan = replace(self.plan, skip_bare_acks=all(worker.skip_bare_acks for worker in self.workers))

    def drops(self) -> list[SetDrop]:
        """Return what the kernel may drop by named sets alone, as the first worker said."""
        return [SetDrop(*drop) for drop in self.workers[0].drops] if self.workers else []

    def knowledge(self) -> list[Message]:
        """Return what all workers knew when they last described it."""
        return [message for worker in self.workers for message in worker.knowledge]

    def describe(self) -> list[dict[str, Any]]:
        """For ``pywall status``."""
        return [
            {"pid": w.pid, "queue": w.queue, "bound": w.bound, "age": round(monotonic() - w.started, 1)}
            for w in self.workers
        ]


class PendingRequest:
    """A request of a client that the workers answer. ``what`` names the answer; ``order`` is sent to each worker."""

    def __init__(self, client: Client, what: str, workers: list[WorkerProcess], order: Message) -> None:
        self._client = client
        self._what = what
        self._workers = list(workers)
        self._number = next(_request_numbers)
        self._until = monotonic() + _ANSWER_SECONDS
        for worker in workers:
            worker.ask({**order, "id": self._number})

    def finished(self, now: float) -> bool:
        """Return whether the client was answered: when all workers have, or the time is up."""
        answers = [
            answer["content"]
            for worker in self._workers
            for answer in worker.answers
            if answer.get("id") == self._number
        ]
        if len(answers) < len(self._workers) and now < self._until:
            return False
        for worker in self._workers:
            worker.answers = [answer for answer in worker.answers if answer.get("id") != self._number]
        self._client.answer(self._content(answers))
        return True

    def _content(self, answers: list[Any]) -> Message:
        if self._what == "set-entries":
            known = [answer for answer in answers if answer is not None]
            return {"ok": True, **known[0]} if known else {"ok": False, "error": "there is no such set in the policy"}
        if self._what == "flow":
            found = [answer for answer in answers if answer is not None]
            return {"ok": True, "flow": found[0]} if found else {"ok": False, "error": "no such flow"}
        content = [flow for part in answers for flow in part] if self._what == "flows" else answers
        return {"ok": bool(answers), self._what: content}


def worker_request(what: str, request: Message) -> Message | str:
    """Return what workers are sent for a client's request; a text says what is wrong with it."""
    if what == "flow":
        number = request.get("flow_id")
        return {"do": what, "flow_id": number} if isinstance(number, int) else "flow_id is a number"
    if what == "set-entries":
        wanted: Message = {key: request[key] for key in ("set", "test", "limit") if key in request}
        if not isinstance(wanted.get("test", []), list) or not isinstance(wanted.get("limit", 0), int):
            return "test is a list, limit is a number"
        return {"do": what, **wanted}
    if what != "flows":
        return {"do": what}
    limit, sort, expression = request.get("limit", 100), request.get("sort", ""), request.get("filter", "")
    if not isinstance(limit, int) or not isinstance(sort, str) or not isinstance(expression, str):
        return "limit is a number, sort and filter are texts"
    try:
        if expression:
            parse(expression)
    except FilterError as error:
        return f"filter: {error}"
    return {"do": what, "limit": limit, "sort": sort, "filter": expression}
