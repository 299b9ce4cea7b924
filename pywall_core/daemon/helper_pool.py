"""Helper processes as the supervisor sees them: started, connected with the workers, replaced, stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from time import monotonic
from typing import Final

from ..config import Config
from ..plugins.helpers import wanted_helpers
from .channel import ChannelError
from .worker_process import WorkerProcess, kill

log: Final = logging.getLogger("pywall.supervisor")
#: seconds between two attempts to replace a helper
_PAUSE: Final = 5.0
#: seconds that a helper may take to end
_END: Final = 2.0
#: seconds between two times that a helper is asked whether it is alive, and that it may take to say so; at first it
#: loads its plugin
_ASK: Final = 1.0
_HUNG: Final = 5.0
#: seconds that one gets which takes the place of one that hung: twice as long each time, this at most, and as before
#: after one that has lasted
_MOST_PATIENCE: Final = 60.0
_LASTS: Final = 600.0
_START: Final = 60.0


class HelperProcess:
    """One helper; its process ends when ``control`` is closed. ``patience``: seconds that it may say nothing."""

    def __init__(self, name: str, patience: float = _HUNG) -> None:
        self.name = name
        self.patience = patience
        self.started = monotonic()
        #: when it was asked the last time, and whether it has not answered yet, or never has
        self._asked_at = 0.0
        self._waiting, self._new = False, True
        #: workers that could not be connected
        self._left: list[WorkerProcess] = []
        self.control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    *(sys.executable, "-P", "-m", "pywall_core.daemon.helper"),
                    *("--control", str(theirs.fileno()), "--parent", str(os.getpid()), name),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def exited(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def overdue(self, now: float) -> bool:
        """Ask for a sign of life. True: the last one is too long ago."""
        try:
            if self.control.recv(64, socket.MSG_DONTWAIT):
                self._waiting = self._new = False
        except OSError:
            pass  # it has said nothing
        if not self._waiting and now - self._asked_at >= _ASK:
            self._asked_at = now
            self._waiting = True  # also where it has closed its end, and can be sent nothing
            with contextlib.suppress(OSError):
                self.control.send(b"?", socket.MSG_DONTWAIT)
        return self._waiting and now - self._asked_at > (_START if self._new else self.patience)

    def connect(self, worker: WorkerProcess) -> None:
        """Give the helper one end of a new connection, the worker the other; at the next :meth:`connect_left` where
        this process lacks memory or open files.
        """
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except (OSError, MemoryError):
            self._left.append(worker)
            return
        with ours, theirs, contextlib.suppress(OSError, ChannelError):
            socket.send_fds(self.control, [b"c"], [theirs.fileno()])
            worker.channel.send_descriptor({"do": "helper", "name": self.name}, ours.fileno())

    def connect_left(self) -> None:
        """Connect workers that could not be connected before."""
        left, self._left = self._left, []
        for worker in left:
            self.connect(worker)

    def stop(self, timeout: float = _END) -> None:
        """End it; kill it after ``timeout`` seconds."""
        self.control.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            kill(self._process)


class HelperPool:
    """The helpers that the current policy asks for, by the names of their plugins."""

    def __init__(self) -> None:
        self._helpers: dict[str, HelperProcess] = {}

    def __bool__(self) -> bool:
        return bool(self._helpers)

    def start(self, config: Config) -> None:
        """Start those that are missing, while the workers of the policy load its plugins."""
        for name in wanted_helpers(config):
            if name not in self._helpers:
                self._helpers[name] = HelperProcess(name)

    def use(self, config: Config) -> None:
        """Stop those that nobody asks any more."""
        for name in set(self._helpers).difference(wanted_helpers(config)):
            self._helpers.pop(name).stop()

    def connect(self, worker: WorkerProcess) -> None:
        """Connect a worker with all of them."""
        for helper in self._helpers.values():
            helper.connect(worker)

    def replace_lost(self, now: float, workers: Iterable[WorkerProcess]) -> None:
        """Start helpers again that have ended or hang, at most every five seconds. Call it at every step."""
        for name, helper in self._helpers.items():
            helper.connect_left()
            ended = helper.exited()
            if (ended or helper.overdue(now)) and now - helper.started >= _PAUSE:
                how = "has ended" if ended else "does not answer"
                log.error("the helper process of plugin %s %s; a new one starts", name, how)
                helper.stop(0.0 if not ended else _END)
                again = not ended and now - helper.started < _LASTS
                patience = min(2 * helper.patience, _MOST_PATIENCE) if again else _HUNG
                try:
                    self._helpers[name] = HelperProcess(name, patience)
                except (OSError, MemoryError) as error:
                    log.error("no helper process of plugin %s can be started: %s", name, error or "no memory")
                    helper.started = now
                    continue
                for worker in workers:
                    self._helpers[name].connect(worker)

    def stop(self) -> None:
        """End them all."""
        while self._helpers:
            self._helpers.popitem()[1].stop()
