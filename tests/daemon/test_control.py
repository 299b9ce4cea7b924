"""The control socket: who may speak, and what becomes of those who do not keep to the form."""

from __future__ import annotations

import selectors
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from pywall_core.daemon.channel import Channel, ChannelError, Message
from pywall_core.daemon.control import MAX_CLIENTS, MAX_REQUEST, Client, ControlSocket, NotRunningError, ask


class Server:
    """A control socket whose turns the test takes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[Message] = []
        self.selector = selectors.DefaultSelector()
        self.control = ControlSocket(path, self.selector, self._handle)

    def _handle(self, client: Client, request: Message) -> None:
        self.requests.append(request)
        client.answer({"ok": True, "n": len(self.requests)})

    def turn(self) -> None:
        while ready := self.selector.select(0):
            for key, _ in ready:
                key.data()

    def connect(self) -> Channel:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self.path))
        self.turn()
        return Channel(connection)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "control.sock")
    yield server
    server.control.close()
    server.selector.close()


def test_only_its_owner_may_connect(server: Server) -> None:
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600


def test_requests_are_answered_in_order(server: Server) -> None:
    client = server.connect()
    client.send({"command": "status"})
    client.send({"command": "stats"})
    server.turn()
    assert [client.wait(1.0)["n"] for _ in range(2)] == [1, 2]
    assert [request["command"] for request in server.requests] == ["status", "stats"]
    client.close()


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b"x" * (MAX_REQUEST + 1)])
def test_what_is_no_request_ends_that_connection_only(server: Server, line: bytes) -> None:
    good, bad = server.connect(), server.connect()
    bad.socket.sendall(line)
    server.turn()
    assert bad.wait(1.0)["ok"] is False
    with pytest.raises(ChannelError):
        bad.wait(1.0)
    good.send({"command": "status"})
    server.turn()
    assert good.wait(1.0)["ok"]
    for client in (good, bad):
        client.close()


def test_a_client_that_says_nothing_is_dropped(server: Server) -> None:
    client = server.connect()
    server.control.expire(monotonic())
    server.control.expire(monotonic() + 60)
    with pytest.raises(ChannelError):
        client.wait(1.0)
    client.close()


def test_connections_are_bounded(server: Server) -> None:
    clients = [server.connect() for _ in range(MAX_CLIENTS + 1)]
    with pytest.raises(ChannelError):
        clients[-1].wait(1.0)
    clients[0].send({"command": "status"})
    server.turn()
    assert clients[0].wait(1.0)["ok"]
    for client in clients:
        client.close()


def test_a_socket_that_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    again = Server(path)
    client = again.connect()
    client.close()
    again.control.close()
    assert not path.exists()


@pytest.mark.parametrize("exists", [False, True])
def test_who_asks_where_nobody_runs_is_told_so(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "control.sock"
    if exists:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.bind(str(path))
    with pytest.raises(NotRunningError, match="pywall run starts it"):
        ask(path, {"command": "status"}, 1.0)


def test_a_reader_that_does_not_read_holds_nothing_up(server: Server) -> None:
    client = server.connect()
    served: Any = next(iter(server.control._clients))
    for _ in range(3):
        served.answer({"much": "x" * 1_000_000})
    client.close()
