"""Open sessions under load: many reloads cut none, and what a new policy forbids ends with the next packet."""

from __future__ import annotations

import os
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .session_servers import PORTS, key_exchange, start_servers
from .test_sessions_survive import ALLOW

#: says the time until the file ``stop`` is there; a word that is not answered within a minute is the end
SESSION = """
    import os, ssl, struct
    host, port, kind, stop, hello = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
    s = socket.create_connection((host, port), timeout=60)
    if kind == "tls":
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(s, server_hostname="a.example")
    elif kind == "ssh":
        s.sendall(b"SSH-2.0-OpenSSH_9.6\\r\\n"); s.recv(100)
        s.sendall(bytes.fromhex(hello)); s.recv(4096)
    said = 0
    try:
        while not os.path.exists(stop):
            now = time.monotonic()
            if kind == "http":
                s.sendall(b"GET /at/%f HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % now)
            else:
                s.sendall(bytes(range(200, 232)) * 3 + struct.pack("d", now))
            if not s.recv(4096):
                raise OSError("closed")
            if not said:
                print("ready", flush=True)
            said += 1
            time.sleep(0.05)
        print("alive", said)
    except OSError as error:
        print("cut", said, type(error).__name__)
    """
#: connections one after the other, each with a request, until ``stop`` is there
LOAD = """
    import os, threading
    host, stop, done = sys.argv[1], sys.argv[2], []
    def one():
        try:
            with socket.create_connection((host, 8000), timeout=60) as s:
                s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                done.append(b" 200 " in s.recv(4096))
        except OSError:
            done.append(False)
    def repeat():
        while not os.path.exists(stop):
            one()
    threads = [threading.Thread(target=repeat) for _ in range(4)]
    for thread in threads: thread.start()
    print("ready", flush=True)
    for thread in threads: thread.join()
    print(done.count(True), done.count(False))
    """


class Sessions:
    """Servers, load, and three sessions of each kind."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.stop = lab.folder / "stop"
        start_servers(lab, self._told)

    def begin(self) -> None:
        self.sessions = [
            (kind, self._start(SESSION, port, kind, self.stop, key_exchange().hex()))
            for kind, port in PORTS.items()
            for _ in range(3)
        ]
        self.load = self._start(LOAD, self.stop)

    def _start(self, script: str, *arguments: object) -> Any:
        process = self.lab.peer.python(script, self.lab.FW, *arguments)
        assert process.stdout.readline() == "ready\n", process.communicate()
        return process

    def _told(self, kind: str) -> Path:
        return Path(self.lab.folder / f"told-{kind}")

    def last(self, kind: str) -> float:
        """Return when the last word of a kind of session was said that has reached its server."""
        data = self._told(kind).read_bytes()
        return max(struct.unpack(f"{len(data) // 8}d", data))

    def end(self, kinds: tuple[str, ...] = tuple(PORTS)) -> tuple[list[str], str]:
        """Return how the sessions of these kinds have ended, and how many connections of the load were and were not
        answered; the others are killed."""
        self.stop.touch()
        for kind, session in self.sessions:
            if kind not in kinds:
                session.kill()
        words = [session.communicate(timeout=120)[0].split() for kind, session in self.sessions if kind in kinds]
        return [word[0] for word in words], self.load.communicate(timeout=120)[0]


@pytest.fixture
def sessions(lab: Any) -> Sessions:
    return Sessions(lab)


@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("offload", ["true", "false"])
def test_reloads_under_load_cut_nobody(lab: Any, sessions: Sessions, times: int, offload: str) -> None:
    firewall = lab.run(ALLOW.replace("number: 7", f"number: 7, offload: {offload}"))
    sessions.begin()
    for _ in range(times):
        assert firewall.ask("reload")["ok"] is True
    ends, load = sessions.end()
    print(f"{times} reloads: {ends.count('alive')} of {len(ends)} sessions alive, connections answered and not: {load}")
    assert ends == ["alive"] * len(ends)
    assert int(load.split()[0]) > 0
    assert int(load.split()[1]) == 0


def wait_until_known(lab: Any, until: Callable[..., None]) -> None:
    """Wait until what is known of the sessions is kept: by the second file that is written from now on."""
    inode = lab.fw.run("stat -Lc %i /proc/self/ns/net").strip()
    path = Path(f"/run/pywall/{inode}/handover.jsonl")
    for _ in range(2):
        before = path.stat().st_mtime_ns if path.exists() else 0
        until(lambda last=before: path.exists() and path.stat().st_mtime_ns > last, 30, "what is known is kept")


def reload(lab: Any, firewall: Any) -> tuple[Any, float]:
    """Return what runs now, and since when the new policy holds."""
    assert firewall.ask("reload")["ok"] is True
    return firewall, time.monotonic()


def restart(lab: Any, firewall: Any) -> tuple[Any, float]:
    assert firewall.stop() == 0
    return lab.start_with(firewall.config).ready(), time.monotonic()


def kill(lab: Any, firewall: Any) -> tuple[Any, float]:
    os.kill(firewall.pid, signal.SIGKILL)
    firewall.wait(5)
    return lab.start_with(firewall.config).ready(), time.monotonic()  # until here the kernel carries what it carried


@pytest.mark.parametrize("change", [reload, restart, kill])
def test_what_a_new_policy_forbids_ends_with_its_next_packet(
    lab: Any, sessions: Sessions, until: Callable[..., None], change: Callable[[Any, Any], tuple[Any, float]]
) -> None:
    firewall = lab.run(ALLOW)
    sessions.begin()
    wait_until_known(lab, until)
    lab.write(ALLOW.replace("ssh, tls, http", "http"))
    firewall, since = change(lab, firewall)

    def dropped() -> list[int]:
        flows = firewall.ask("flows", "--limit", "1000").get("flows", [])
        ports = [PORTS["ssh"], PORTS["tls"]]
        return sorted(flow["dest_port"] for flow in flows if flow["dest_port"] in ports and flow["verdict"] == "drop")

    until(lambda: dropped() == sorted([PORTS["ssh"], PORTS["tls"]] * 3), 40, "each of them has sent another packet")
    until(lambda: sessions.last("http") > since, 20, "what is allowed goes on")
    assert [kind for kind in ("ssh", "tls") if sessions.last(kind) >= since] == []
    assert sessions.end(("http",))[0] == ["alive"] * 3


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_workers_cut_no_session(lab: Any, sessions: Sessions, until: Callable[..., None], times: int) -> None:
    firewall = lab.run(ALLOW)
    sessions.begin()
    for _ in range(times):
        wait_until_known(lab, until)
        (pid,) = firewall.workers()
        os.kill(pid, signal.SIGKILL)
        until(lambda old=pid: firewall.workers() not in ([], [old]), 20, "another worker")
        since = time.monotonic()
        for kind in PORTS:
            until(lambda kind=kind, since=since: sessions.last(kind) > since, 40, f"{kind} goes on")
    ends, load = sessions.end()
    print(f"{times} kills: {ends.count('alive')} of {len(ends)} sessions alive, connections answered and not: {load}")
    assert ends == ["alive"] * len(ends)


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_restarts_cut_no_session(lab: Any, sessions: Sessions, times: int) -> None:
    firewall = lab.run(ALLOW)
    sessions.begin()
    for _ in range(times):
        firewall, _ = restart(lab, firewall)
    ends, load = sessions.end()
    print(f"{times} restarts: {ends.count('alive')} of {len(ends)} alive, connections answered and not: {load}")
    assert ends == ["alive"] * len(ends)
