"""One worker process as the supervisor sees it: started, told, listened to, ended."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

from ..kernel.ruleset import Plan
from .channel import Channel, ChannelError, Message
from .handover import MAX_LINES
from .runtime_config import Policy

#: seconds without a sign of life after which a worker is taken for hung (it gives one every 0.25 s)
HUNG: Final = 3.5
#: seconds that a worker may take to load its plugins
START: Final = 60.0
#: values of an announced flow as workers tell it
_ENTRY: Final = 6
#: characters of what plugins tell each other
_SHARED: Final = 1000
#: answers that are kept until they are asked for
_ANSWERS: Final = 64
#: seconds that the first packets may wait for a worker to take in what others knew, before all else goes on
_TAKE_IN: Final = 2.0
#: seconds that a process that was killed may take to end
_KILLED: Final = 1.0


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once. One that cannot end yet (uninterruptible sleep) is not waited for: :mod:`subprocess` reaps
    it when it starts another one.
    """
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILLED)


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
        self._group_ended = False
        self.queue = queue
        #: packets that have got a verdict from it, as of its last message
        self.decided = 0
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
        #: what it was told that others knew
        self.inherited: list[Message] = []
        self._incoming: list[Message] = []
        self.describing = False
        #: how often a description was asked for: the answer to an earlier question may still be on its way
        self._asked = 0
        #: it was told to process packets
        self.processing = False
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
        # its interpreter starts first, which takes long on a busy machine
        with contextlib.suppress(ChannelError):
            self.channel.send(order, START / 2)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def exited(self) -> bool:
        """Return whether it has ended. What it has started and left behind ends with it."""
        ended = self._process.poll() is not None
        if ended and not self._group_ended:
            self._group_ended = True
            self._end_group()
        return ended

    def _end_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> str:
        """Return how it ended, in words."""
        code = self._process.poll()
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def listen(self) -> bool:
        """Handle the messages that have come. Return False if the channel is closed, or holds what is no message: a
        worker that was taken over may say anything.
        """
        try:
            for message in self.channel.receive():
                self.last_message = monotonic()
                self._handle(message)
        except (ChannelError, ArithmeticError, RecursionError, TypeError, ValueError):
            return False
        return True

    def _handle(self, message: Message) -> None:
        match message.get("is"):
            case "alive":
                self.decided = int(message.get("decided", 0))
            case "bound":
                self.drops = [(str(h), str(s), str(d)) for h, s, d in message.get("drops", ())]
                self.skip_bare_acks = message.get("skip_bare_acks") is True
                self.bound = True
            case "set":
                self.set_changes.append(message)
            case "expects" if isinstance(message.get("entry"), list) and len(message["entry"]) == _ENTRY:
                self.announcements.append({"do": "expects", "entry": message["entry"]})
            case "shared" if isinstance(message.get("entry"), list) and len(str(message["entry"])) <= _SHARED:
                shared = {"do": "shared", "name": str(message.get("name")), "entry": message["entry"]}
                self.announcements.append(shared)
            case "failed":
                self.failure = (int(message.get("code", 1)), str(message.get("message", "")))
            case "answer":
                self.answers.append(message)
                del self.answers[:-_ANSWERS]
            case "knows" if message.get("number") == self._asked:
                self._incoming.append({key: message[key] for key in ("flows", "state") if key in message})
                del self._incoming[MAX_LINES:]
            case "described" if message.get("number") == self._asked:
                self.knowledge, self._incoming = self._incoming, []
                self.describing = False

    def begin(self, knowledge: Iterable[Message], *, exact: bool = False, lost: bool = False) -> None:
        """Hand over what other workers knew, and have it process packets. ``exact``: nobody has let a packet pass since
        they have said so. ``lost``: the one before it ended without a word, and knew more than that.
        """
        self.processing = True
        self.inherited = list(knowledge)[:MAX_LINES]
        for message in self.inherited:
            self._post({"do": "inherit", "exact": exact, **message})
        self._post({"do": "go", "lost": True} if lost else {"do": "go"})
        self.flush(_TAKE_IN)

    def describe(self, wait: float = 0.0) -> None:
        """Ask for a description of all that it knows; ``knowledge`` has it when ``describing`` is False again.

        ``wait``: seconds that it may spend on nothing else, once it has processed what waits in its queue.
        """
        if self.processing:
            self.describing = True
            self._asked += 1
            self._incoming = []
            self.ask({"do": "describe", "number": self._asked, "wait": wait})

    def ask(self, message: Message) -> None:
        """Send a message, behind all before it. One that it has no room for waits for :meth:`flush`."""
        self._post(message)
        self.flush()

    def _post(self, message: Message) -> None:
        try:
            self.channel.post(message)
        except ChannelError:  # it has not read for so long that it would not know what it must
            self.kill()

    def flush(self, wait: float = 0.0) -> None:
        """Send what waits, for at most ``wait`` seconds. Call it at every step."""
        with contextlib.suppress(ChannelError):
            self.channel.flush(wait)

    def overdue(self, now: float) -> bool:
        """Return True if it gave no sign of life for too long."""
        return now - self.last_message > (HUNG if self.bound else START)

    def kill(self) -> None:
        """End it at once."""
        kill(self._process)
        self.exited()

    def stop(self, timeout: float = 2.5) -> None:
        """Let it process what waits and end; kill it after ``timeout`` seconds."""
        self.ask({"do": "stop"})
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self.exited()
        self.channel.close()
