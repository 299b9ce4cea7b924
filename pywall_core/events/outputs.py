"""The things that events are written to. ``write`` may wait, in the output's own thread, until it is told to hurry."""

from __future__ import annotations

import os
import select
import socket
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ..event_lines import urgent_line

#: facility "daemon", severity "informational" (RFC 5424 section 6.2.1)
_PRIORITY: Final = 3 << 3 | 6
#: what a pipe that polls writable takes without blocking (pipe(7))
_PIPE_BUF: Final = 4096
_POLL_MS: Final = 200


class Output(ABC):
    """One destination. ``name`` is for messages; methods raise OSError."""

    name: str

    @abstractmethod
    def open(self) -> None:
        """Open, or open again."""

    @abstractmethod
    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        """Write lines, in order; the number of those that were written whole. Gives up when ``hurry()``."""

    @abstractmethod
    def close(self) -> None:
        """Close; what is closed may be closed again."""


class _Stream(Output):
    """Lines into a file descriptor. ``chunk`` bytes can be written at once without blocking when it polls writable."""

    fd: int = -1
    chunk: int = _PIPE_BUF
    _torn = False

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        waiting = select.poll()
        waiting.register(self.fd, select.POLLOUT)
        sent = 0
        if self._torn:  # the line that could not be finished is ended, so that the next one can be read
            lines = [b"\n" + lines[0], *lines[1:]]
        data = memoryview(b"".join(lines))
        failure: OSError | None = None
        while sent < len(data) and failure is None:
            try:
                if waiting.poll(_POLL_MS):
                    sent += os.write(self.fd, data[sent : sent + self.chunk])
                elif hurry():
                    break
            except BlockingIOError:
                continue
            except OSError as error:
                failure = error
        whole = 0
        for line in lines:
            if sent < len(line):
                break
            sent -= len(line)
            whole += 1
        if whole or sent:
            self._torn = sent > 0
        if failure is not None and not whole:
            raise failure
        return whole


class FileOutput(_Stream):
    """A file that is appended to; it is not readable by others."""

    def __init__(self, path: str) -> None:
        self.path = self.name = path

    def open(self) -> None:
        self.close()
        # a pipe without a reader is an error to be tried again, not a place to wait
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self.fd = os.open(self.path, flags, 0o640)
        if stat.S_ISREG(os.fstat(self.fd).st_mode):
            self.chunk = 1 << 20
            self._torn = _ends_in_the_middle_of_a_line(self.path)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _ends_in_the_middle_of_a_line(path: str) -> bool:
    """Return True if the disk was full, or a process was killed, when something was last written to the file."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) not in (b"", b"\n")


class StdoutOutput(_Stream):
    """Standard output; it is never opened nor closed by us."""

    name = "standard output"

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def open(self) -> None:
        os.fstat(self.fd)

    def close(self) -> None:
        pass


class TerminalOutput(StdoutOutput):
    """Standard output on a terminal: drops, alerts and anomalies as lines for a reader."""

    name = "terminal"

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        shown = [text for line in lines if (text := urgent_line(line, colour="NO_COLOR" not in os.environ))]
        written = super().write(shown, hurry) if shown else 0
        return len(lines) - len(shown) + written


def _connect(path: str, kind: socket.SocketKind) -> socket.socket:
    """Return a socket that does not block, connected to the one at ``path``. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, kind)
    connection.setblocking(False)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


class SocketOutput(_Stream):
    """A unix stream socket that somebody listens on, a line an event."""

    def __init__(self, path: str) -> None:
        self.path = self.name = path
        self._socket: socket.socket | None = None
        self.chunk = 1 << 16

    def open(self) -> None:
        self.close()
        self._socket = _connect(self.path, socket.SOCK_STREAM)
        self.fd = self._socket.fileno()
        self._torn = False

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.fd = -1


class SyslogOutput(Output):
    """The local syslog or journald, a datagram an event."""

    def __init__(self, path: str = "/dev/log") -> None:
        self.path = path
        self.name = f"syslog ({path})"
        self._socket: socket.socket | None = None
        self._head = f"<{_PRIORITY}>pywall[{os.getpid()}]: ".encode()

    def open(self) -> None:
        self.close()
        self._socket = _connect(self.path, socket.SOCK_DGRAM)

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        if self._socket is None:
            return 0
        waiting = select.poll()
        waiting.register(self._socket, select.POLLOUT)
        for number, line in enumerate(lines):
            while True:
                try:
                    if waiting.poll(_POLL_MS):
                        self._socket.send(self._head + line.rstrip(b"\n"))
                        break
                except BlockingIOError:
                    pass
                except OSError:
                    if not number:
                        raise
                    return number
                if hurry():
                    return number
        return len(lines)

    def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None
