"""Segments without content pass in the kernel among a connection's first packets; nothing is missed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import patience

POLICY = """
    version: 1
    queue: {number: 3, hooks: [%s], skip_bare_acks: %s}
    plugins: [rules, {stream: {timeouts: {new: 1}}}, protocols]
    failure: {midstream: drop-flow}
    chains:
      %s:
        - {rule: app, is: tls, action: DROP}
    default: ACCEPT
    """
PORT = 8080


def policy(skip: str, *hooks: str) -> str:
    return POLICY % (", ".join(hooks), skip, hooks[0])


def queued_for_a_greeting(lab: Any, server: Any, host: str) -> int:
    """How many packets of a connection in which the server speaks first are queued."""
    serving = server.python(
        """
        s = socket.socket(address(sys.argv[1]), socket.SOCK_STREAM); s.bind((sys.argv[1], int(sys.argv[2]))); s.listen()
        print("ready", flush=True)
        c, _ = s.accept(); c.sendall(b"hello"); time.sleep(0.3); c.sendall(b" again"); c.recv(10)
        """,
        host,
        PORT,
    )
    assert serving.stdout.readline() == "ready\n"
    before = lab.fw.queued()[3]
    code = """
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
        print((s.recv(5) + s.recv(6)).decode())
        """
    assert lab.peer.ask(code, host, PORT) == "hello again"
    serving.wait(patience(5))
    return int(lab.fw.queued()[3] - before)


@pytest.mark.parametrize("hooks", [("INPUT", "OUTPUT"), ("FORWARD",)], ids=["host", "gateway"])
@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_bare_acks_are_not_queued(lab: Any, variant: str, hooks: tuple[str, ...], six: bool) -> None:
    server = lab.fw if len(hooks) == 2 else lab.add_server()
    host = {(2, False): lab.FW, (2, True): lab.FW6, (1, False): lab.SERVER, (1, True): lab.SERVER6}[len(hooks), six]
    firewall = lab.run(policy("false", *hooks), PYWALL_IPTABLES=variant)
    every = queued_for_a_greeting(lab, server, host)
    assert firewall.stop() == 0
    firewall = lab.run(policy("auto", *hooks), PYWALL_IPTABLES=variant)
    # the end of the handshake, and what acknowledges each of the two texts
    assert queued_for_a_greeting(lab, server, host) <= every - 3
    assert firewall.stop() == 0
    assert "PYWALL" not in lab.fw.ruleset(variant)


def test_a_connection_that_waits_after_its_handshake_is_not_forgotten(lab: Any) -> None:
    """Its handshake ended unseen, its entry would time out as half-open, and it would go on as one without a start."""
    lab.run(policy("auto", "INPUT", "OUTPUT"))
    lab.fw.echo_server(PORT)
    code = """
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
        time.sleep(4)  # the timeout of what is half-open is a second
        s.sendall(b"innocent"); print(s.recv(100).decode())
        """
    assert lab.peer.ask(code, lab.FW, PORT) == "innocent"


def test_a_window_that_opened_unseen_is_used(lab: Any) -> None:
    """The server's SYN/ACK offers little, its first acknowledgement much; that one is a bare one."""
    firewall = lab.run(policy("auto", "INPUT", "OUTPUT"))
    serving = lab.fw.python(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print("ready", flush=True)
        c, _ = s.accept(); c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        size = 0
        while data := c.recv(1 << 20): size += len(data)
        print(size)
        """,
        lab.FW,
        PORT,
    )
    assert serving.stdout.readline() == "ready\n"
    lab.peer.ask(
        """
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
        s.sendall(b"line of an innocent text\\n" * 20_000)
        s.close()
        """,
        lab.FW,
        PORT,
    )
    assert serving.communicate(timeout=20)[0] == "500000\n"
    counters = firewall.ask("stats")["stats"]["counters"]
    assert [name for name in counters if name.startswith("drop.")] == []


def test_a_policy_that_asks_for_every_packet_gets_every_packet(lab: Any, until: Callable[..., None]) -> None:
    text = policy("auto", "INPUT", "OUTPUT").replace("- {rule: app", "- {rule: log}\n        - {rule: app")
    lab.run(text)
    assert "u32" not in lab.fw.ruleset()
