"""The control socket: a unix socket that only root can reach, one JSON request a line, one JSON answer a line.

Requests: ``{"command": "status" | "stats" | "flows" | "flow" | "reload"}``; ``flows`` with ``"limit"`` (1 to 1000),
``"sort"`` and ``"filter"``, ``flow`` with ``"flow_id"``. An answer has ``"ok"``, and ``"error"`` where that is false.
Nothing that comes here is more than a request: a line that is too long, no JSON, or a client that says nothing, ends
that connection only.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from ..kernel.rundir import RunDir
from .channel import Channel, ChannelError, Message

MAX_CLIENTS: Final = 32
MAX_REQUEST: Final = 4096
#: seconds after which a connection is closed
_CLIENT_SECONDS: Final = 10.0


@dataclass(slots=True, eq=False)
class Client:
    """One connection."""

    channel: Channel
    until: float

    def answer(self, content: Message) -> None:
        """Send an answer; a client that does not read it loses it."""
        with contextlib.suppress(ChannelError):
            self.channel.send(content, timeout=0.2)


class ControlSocket:
    """Listens at ``path``; ``handle(client, request)`` is called for each request. Works within ``selector``."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, handle: Callable[[Client, Message], None]) -> None:
        self._path = path
        self._selector = selector
        self._handle = handle
        self._clients: set[Client] = set()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        self._listener.listen(16)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Close all connections and remove the socket."""
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def expire(self, now: float) -> None:
        """Close connections that have been open for too long; call about once a second."""
        for client in [client for client in self._clients if now > client.until]:
            self._drop(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MAX_CLIENTS:
            connection.close()
            return
        client = Client(Channel(connection, MAX_REQUEST), monotonic() + _CLIENT_SECONDS)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: Client) -> None:
        try:
            for request in client.channel.receive():
                self._handle(client, request)
        except ChannelError as error:
            if str(error) != "closed":
                client.answer({"ok": False, "error": str(error)})
            self._drop(client)

    def _drop(self, client: Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._selector.unregister(client.channel.socket)
            client.channel.close()


class NotRunningError(Exception):
    """Nobody answers at the control socket; the text is for the user."""


def ask_firewall(request: Message, timeout: float = 15.0) -> Message:
    """Return the answer of the firewall that runs in this network namespace, see the module's text for requests.

    :raises NotRunningError: there is none, or it does not answer within ``timeout`` seconds
    """
    return ask(RunDir().socket, request, timeout)


def ask(path: Path, request: Message, timeout: float = 15.0) -> Message:
    """Return the running instance's answer.

    :raises NotRunningError: there is none, or it does not answer within ``timeout`` seconds
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            channel = Channel(connection)
            channel.send(request, timeout)
            return channel.wait(timeout)
    except PermissionError:
        raise NotRunningError("only root can speak to pywall") from None
    except (OSError, ChannelError) as error:
        why = "" if isinstance(error, (FileNotFoundError, ConnectionRefusedError)) else f" ({error})"
        raise NotRunningError(f"pywall does not run in this network namespace; pywall run starts it{why}") from None
