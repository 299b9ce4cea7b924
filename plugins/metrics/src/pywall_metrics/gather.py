"""One worker asks the others for their counters, over unix sockets with abstract names (unix(7)).

A name stands for the metrics port and the worker, so that firewalls in one network namespace do not meet. Only
processes of the same user are answered, and believed: anybody may take a name that is free.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from struct import calcsize, unpack
from threading import Thread
from typing import Any, Final

Stats = dict[str, Any]

_CREDENTIALS: Final = "iII"  # struct ucred: pid, uid, gid


def _name(port: int, worker: int) -> str:
    return f"\0pywall-metrics-{port}-{worker}"


def _is_same_user(connection: socket.socket) -> bool:
    """Return whether the process at the other end runs as this user."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, calcsize(_CREDENTIALS))
    return bool(unpack(_CREDENTIALS, credentials)[1] == os.geteuid())


class StatsServer:
    """Answers each connection with this worker's counters, as JSON, in a thread of its own.

    :raises OSError: the name is taken, by the worker before a reload
    """

    def __init__(self, port: int, worker: int, stats: Callable[[], Stats]) -> None:
        self._stats = stats
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(_name(port, worker))
        except OSError:
            self._socket.close()
            raise
        self._socket.listen(4)
        Thread(target=self._serve, name="metrics for the first worker", daemon=True).start()

    def shutdown(self) -> None:
        """End the thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def server_close(self) -> None:
        """Give the name back."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(1.0)
                if _is_same_user(connection):
                    connection.sendall(json.dumps(self._stats()).encode())


def ask_workers(port: int, timeout: float) -> Callable[[], list[Stats]]:
    """Ask all workers but the first at once. Return a function that waits, at most ``timeout`` seconds for each, and
    returns the counters of those that answered.
    """
    asked: list[socket.socket] = []
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(_name(port, len(asked) + 1))
            if not _is_same_user(connection):
                raise PermissionError
        except OSError:
            connection.close()
            break
        asked.append(connection)
    return lambda: [stats for connection in asked if (stats := _read(connection)) is not None]


def _read(connection: socket.socket) -> Stats | None:
    with connection:
        try:
            with connection.makefile("rb") as file:
                stats: Stats = json.loads(file.read())
        except (OSError, ValueError):
            return None
    return stats
