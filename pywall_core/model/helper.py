"""Helper: a plugin's way to its helper process, which sees what a worker may not."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any, Final, final

Message = dict[str, Any]
#: bytes of one question or answer
MAX_MESSAGE: Final = 1 << 16
#: answers that are read at a time
_BATCH: Final = 256


@final
class Helper:
    """One worker's connection to a helper process: questions and answers as JSON, never waited for.

    ``answered`` is called for each answer. ``connections`` counts how often the process was connected: after a new one,
    what was asked before gets no answer.
    """

    def __init__(self, answered: Callable[[Message], None]) -> None:
        self.connections = 0
        self._answered = answered
        self._connection: socket.socket | None = None

    @property
    def descriptor(self) -> int:
        """What can be read when answers have come; -1: nobody is connected."""
        return -1 if self._connection is None else self._connection.fileno()

    def connect(self, connection: socket.socket) -> None:
        """Use a connected socket of type SOCK_SEQPACKET; the one before is closed."""
        self.close()
        connection.setblocking(False)
        self._connection = connection
        self.connections += 1

    def ask(self, question: Message) -> bool:
        """Send a question. False: nobody is there, or does not read as fast as it is asked."""
        if self._connection is None:
            return False
        try:
            self._connection.send(json.dumps(question).encode())
        except BlockingIOError:
            return False
        except OSError:
            self.close()
            return False
        return True

    def read(self) -> None:
        """Read the answers that have come, at most 256; those that are not JSON objects are left out."""
        for _ in range(_BATCH):
            if self._connection is None:
                return
            try:
                data = self._connection.recv(MAX_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.close()
                return
            message = read_message(data)
            if message is not None:
                self._answered(message)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_message(data: bytes) -> Message | None:
    """Return a JSON object, or None where it is not one."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
