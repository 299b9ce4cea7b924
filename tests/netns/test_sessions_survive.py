"""Open sessions over reload, a replaced worker and a restart: what was accepted goes on, what is forbidden ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from pywall_core.daemon import handover
from pywall_core.flows.packing import unpack

from .session_servers import PORTS, key_exchange, start_servers

ALLOW = """
    version: 1
    queue: {number: 7}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: app, is: [ssh, tls, http], confirmed: true, action: ACCEPT}
      OUTPUT:
        - {rule: app, is: [ssh, tls, http], confirmed: true, action: ACCEPT}
    default: DROP
    """
#: one session of each protocol that says something ten times a second, until its time is over or a file is there, and
#: prints how it ended
SESSION = """
    import os, ssl
    host, port, kind, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    s = socket.create_connection((host, port), timeout=60)
    if kind == "tls":
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(s, server_hostname="a.example")
    elif kind == "ssh":
        s.sendall(b"SSH-2.0-OpenSSH_9.6\\r\\n"); s.recv(100)
        s.sendall(bytes.fromhex(sys.argv[5])); s.recv(4096)
    elif kind == "http":  # open is a session that has had an answer: before, nothing has confirmed its name
        s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"); s.recv(4096)
    said = 0
    print("ready", flush=True)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not os.path.exists(sys.argv[6]):
            http = b"GET /%d HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % said
            s.sendall(http if kind == "http" else bytes(range(200, 232)) * 3)
            if not s.recv(4096):
                raise OSError("closed")
            said += 1
            time.sleep(0.1)
        print("alive", said)
    except OSError as error:
        print("cut", said, type(error).__name__)
    """


@pytest.fixture
def services(lab: Any) -> Any:
    start_servers(lab)
    return lab


def begin(lab: Any, kind: str, seconds: float) -> Any:
    session = lab.peer.python(SESSION, lab.FW, PORTS[kind], kind, seconds, key_exchange().hex(), lab.folder / "stop")
    assert session.stdout.readline() == "ready\n", session.communicate()
    return session


def ends(sessions: list[Any], timeout: float = 90) -> list[str]:
    return [session.communicate(timeout=timeout)[0].split()[0] for session in sessions]


@pytest.mark.parametrize("offload", ["true", "false"])
def test_sessions_outlive_reloads(services: Any, offload: str) -> None:
    firewall = services.run(ALLOW.replace("number: 7", f"number: 7, offload: {offload}"))
    sessions = [begin(services, kind, 120) for kind in PORTS]
    for _ in range(3):
        assert firewall.ask("reload")["ok"] is True
        time.sleep(0.3)
    time.sleep(1)
    names = {flow["app_proto"] for flow in firewall.ask("flows")["flows"]}
    (services.folder / "stop").touch()
    assert ends(sessions) == ["alive"] * 3
    assert names >= {"http", "tls", "ssh"}


def test_a_session_that_the_new_policy_forbids_ends(services: Any) -> None:
    firewall = services.run(ALLOW)
    ssh, http = begin(services, "ssh", 12), begin(services, "http", 12)
    time.sleep(1)
    services.write(ALLOW.replace("ssh, ", ""))
    assert firewall.ask("reload")["ok"] is True
    time.sleep(0.3)
    before = services.fw.run("cat /proc/net/netfilter/nfnetlink_queue")
    assert before
    assert ends([http]) == ["alive"]
    ssh.send_signal(signal.SIGKILL)
    flows = {flow["app_proto"]: flow for flow in firewall.ask("flows")["flows"] if flow["dest_port"] == 2222}
    assert flows["ssh"]["verdict"] == "drop"


def test_sessions_outlive_a_restart(services: Any) -> None:
    first = services.run(ALLOW)
    sessions = [begin(services, kind, 16) for kind in PORTS]
    time.sleep(1)
    assert first.stop() == 0
    inode = services.fw.run("stat -Lc %i /proc/self/ns/net").strip()
    assert os.stat(f"/run/pywall/{inode}/handover.jsonl").st_mode & 0o777 == 0o600
    services.run(ALLOW)
    assert ends(sessions) == ["alive"] * 3


@pytest.mark.parametrize("victim", ["worker", "supervisor"])
def test_sessions_outlive_a_kill(services: Any, until: Any, victim: str) -> None:
    firewall = services.run(ALLOW.replace("number: 7", "number: 7, offload: false"))
    sessions = [begin(services, kind, 35) for kind in PORTS]
    inode = services.fw.run("stat -Lc %i /proc/self/ns/net").strip()
    path = Path(f"/run/pywall/{inode}/handover.jsonl")
    for _ in range(2):  # a file that was begun after all three were open
        before = path.stat().st_mtime_ns if path.exists() else 0
        until(lambda last=before: path.exists() and path.stat().st_mtime_ns > last, 20, "what is known is kept")
    known = b"".join(line for message in handover.load(path) for line in unpack(message.get("flows")))
    assert all(f'"{name}"'.encode() in known for name in PORTS)
    if victim == "worker":
        (pid,) = firewall.workers()
        os.kill(pid, signal.SIGKILL)
    else:
        os.kill(firewall.pid, signal.SIGKILL)
        firewall.wait(5)
        services.run(ALLOW)
    assert ends(sessions) == ["alive"] * 3


def test_an_older_connection_has_the_initiator_that_conntrack_knows(services: Any, until: Any) -> None:
    """The server speaks first after the start; it did not begin the connection."""
    services.fw.run("iptables -A INPUT -m conntrack --ctstate NEW")  # conntrack is at work, as on hosts with a firewall
    session = begin(services, "ssh", 30)
    observing = ALLOW.replace("default: DROP", "default: ACCEPT\n    mode: observe")
    firewall = services.run(observing)

    def told() -> list[dict[str, Any]]:
        return [flow for flow in firewall.ask("flows")["flows"] if flow["dest_port"] == PORTS["ssh"]]

    until(told, 10, "the flow")
    session.send_signal(signal.SIGTERM)
    assert told()[0]["src_ip"] == services.PEER


def test_reload_returns_unless_it_is_confirmed(services: Any, until: Any) -> None:
    firewall = services.run(ALLOW)
    assert firewall.ask("reload", "--confirm", "3")["ok"] is True
    assert firewall.ask("confirm")["ok"] is True
    services.write(ALLOW.replace("http]", "dns]"))
    assert firewall.ask("reload", "--confirm", "3")["ok"] is True
    until(lambda: "not confirmed" in firewall.log(), 10, "returned")
    until(lambda: firewall.ask("status").get("unconfirmed") is None, 10, "settled")
    begin(services, "http", 1).communicate(timeout=10)
    assert firewall.ask("confirm")["ok"] is False, "nothing to confirm"
