"""The control socket: what it answers, and that nothing sent to it matters to filtering."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

POLICY = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
    default: ACCEPT
    """


@pytest.fixture
def running(lab: Any) -> Any:
    lab.fw.echo_server(8000)
    lab.fw.echo_server(8001)
    return lab.run(POLICY)


def control(firewall: Any) -> str:
    return f"/run/pywall/{Path(f'/proc/{firewall.pid}/ns/net').stat().st_ino}/control.sock"


def connect(firewall: Any) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(control(firewall))
    return connection


def test_control_answers(lab: Any, running: Any) -> None:
    assert lab.peer.echo(lab.FW, 8000, times=3) == "ok"
    status = running.ask("status")
    assert status["ok"] is True
    assert status["pid"] == running.pid
    assert [worker["queue"] for worker in status["workers"]] == [7]
    flows = running.ask("flows")["flows"]
    assert {"src_ip": lab.PEER, "dest_ip": lab.FW, "dest_port": 8000, "verdict": "accept"}.items() <= flows[0].items()
    stats = running.ask("stats")["stats"]
    assert stats["packets"] >= 1
    assert stats["verdicts"]["accept"] >= 1


def test_control_socket_is_roots(running: Any) -> None:
    path = Path(control(running))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_control_garbage(lab: Any, running: Any) -> None:
    """Garbage, 70 KB lines, deep nesting, silent clients, 1,000 connections: filtering goes on."""
    for garbage in (b"\0\xff\x80 what\n", b"x" * 70_000 + b"\n", b"[" * 4000 + b"\n", b"[]\n", b'"x"\n', b"{}\n" * 500):
        with connect(running) as connection:
            try:
                connection.sendall(garbage)
                connection.recv(1000)
            except OSError:
                pass
    for request in ({"command": 5}, {"command": "flows", "limit": "all"}, {"command": "flows", "limit": -1}, {}):
        with connect(running) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            assert json.loads(connection.makefile().readline())["ok"] in (True, False)
    silent = []
    for _ in range(1000):
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.connect(control(running))
        silent.append(connection)
    assert lab.peer.echo(lab.FW, 8000) == "ok"
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"
    for connection in silent:
        connection.close()
    assert running.ask("status")["ok"] is True
    assert running.stop() == 0
    assert "Traceback" not in running.log()


def test_control_nothing_listens_on_the_network(lab: Any, running: Any) -> None:
    ports = {line.split()[4].rsplit(":", 1)[1] for line in lab.fw.run("ss -H -tuln").splitlines()}
    assert ports == {"8000", "8001"}  # the echo servers of this test
