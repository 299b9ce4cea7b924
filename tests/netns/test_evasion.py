"""A policy that drops TLS can't be evaded by a TCP trick, and text sent with the same tricks arrives.

The verdict is the real server's: a trick has worked when ``openssl s_server`` answers the ClientHello.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.certificates import make_certificate

SCRIPT = Path(__file__).with_name("handmade_client.py")
CLIENT, CLIENT6 = "10.78.0.2", "fd78::2"
TLS_PORT, TEXT_PORT = 8443, 8080
DROP_TLS = """
    version: 1
    queue: {number: 3}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: app, is: tls, action: DROP}
    default: ACCEPT
    """
#: what the server itself takes for the sender's mistake, or the firewall for a conflict: the text need not arrive
CONFLICTS = {"overlap_ooo", "overlap_rewrite"}


class Attacker:
    def __init__(self, lab: Any) -> None:
        self.lab = lab
        lab.peer.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        lab.fw.run(f"ip route add {CLIENT} via {lab.PEER}; ip -6 route add {CLIENT6} via {lab.PEER6}")
        pem = make_certificate(lab.folder, "secret.example").both
        server = ["openssl", "s_server", "-accept", str(TLS_PORT), "-quiet", "-cert", pem]
        lab.fw.start(*map(str, server), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for host in ("0.0.0.0", lab.FW6):
            lab.fw.echo_server(TEXT_PORT, host)

    def attempts(self, mode: str, *names: str, six: bool = False) -> dict[str, dict[str, Any]]:
        port = TLS_PORT if mode == "hello" else TEXT_PORT
        addresses = (CLIENT6, self.lab.FW6) if six else (CLIENT, self.lab.FW)
        process = self.lab.peer.start(
            sys.executable,
            str(SCRIPT),
            *addresses,
            str(port),
            mode,
            *names,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, errors = process.communicate(timeout=150)
        assert process.returncode == 0, errors
        answer: dict[str, dict[str, Any]] = json.loads(out)
        assert answer
        return answer


@pytest.fixture
def attacker(lab: Any) -> Attacker:
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    return Attacker(lab)


def failed(attempts: dict[str, dict[str, Any]]) -> list[str]:
    return sorted(name for name, attempt in attempts.items() if not attempt["good"])


def worked(attempts: dict[str, dict[str, Any]]) -> list[str]:
    return sorted(name for name, attempt in attempts.items() if attempt["good"])


def test_every_technique_reaches_the_server_without_a_firewall(attacker: Attacker) -> None:
    assert failed(attacker.attempts("hello")) == []
    assert failed(attacker.attempts("text")) == []


@pytest.mark.parametrize("six", [False, True], ids=["IPv4", "IPv6"])
def test_no_technique_gets_past_a_policy_that_drops_tls(attacker: Attacker, six: bool) -> None:
    attacker.lab.run(DROP_TLS)
    attempts = attacker.attempts("hello", six=six)
    assert worked(attempts) == []
    assert all(attempt["opened"] for attempt in attempts.values())


def test_innocent_text_arrives_by_the_same_techniques(attacker: Attacker) -> None:
    attacker.lab.run(DROP_TLS)
    assert set(failed(attacker.attempts("text"))) <= CONFLICTS


def test_a_connection_that_was_open_before_the_firewall_is_no_way_around(attacker: Attacker) -> None:
    """It goes on with what is allowed (midstream: inspect), and a TLS handshake on it is dropped."""
    lab = attacker.lab
    go = lab.folder / "go"
    code = """
        import os, ssl
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3); print("ready", flush=True)
        while not os.path.exists(sys.argv[3]):
            time.sleep(0.05)
        try:
            if sys.argv[4] == "tls":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.wrap_socket(s)
            else:
                s.sendall(b"innocent"); assert s.recv(100) == b"innocent"
            print("usable")
        except OSError:
            print("unusable")
        """
    ports = {"tls": TLS_PORT, "text": TEXT_PORT}
    clients = {kind: lab.peer.python(code, lab.FW, port, go, kind) for kind, port in ports.items()}
    assert [client.stdout.readline() for client in clients.values()] == ["ready\n"] * 2
    lab.run(DROP_TLS)
    go.touch()
    assert {kind: client.communicate(timeout=20)[0].strip() for kind, client in clients.items()} == {
        "tls": "unusable",
        "text": "usable",
    }


#: where iptables in a namespace loses packets: before the firewall has seen them, or after it has let them through
LOSSES = {
    "nothing_lost": "",
    "lost_before_the_firewall": "peer OUTPUT",
    "lost_behind_the_firewall": "fw INPUT",
    "answers_lost": "peer INPUT",
}
EVERY_PACKET = DROP_TLS.replace(
    "- {rule: app", "- {rule: tcp-state, is: TIME_WAIT, action: ACCEPT}  # asked for each packet\n        - {rule: app"
)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_transfer_over_a_bad_network_arrives_exactly(lab: Any, loss: str) -> None:
    firewall = lab.run(EVERY_PACKET)
    lab.fw.echo_server(TEXT_PORT)
    if LOSSES[loss]:
        namespace, chain = LOSSES[loss].split()
        getattr(lab, namespace).run(f"iptables -A {chain} -p tcp -m statistic --mode random --probability 0.02 -j DROP")
    answer = lab.peer.ask(
        """
        import threading
        host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        s = socket.create_connection((host, port), 20)
        s.settimeout(60)
        text = b"".join(b"line %d of an innocent text\\n" % n for n in range(size // 20))[:size]
        def send():
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
        threading.Thread(target=send).start()
        back = b"".join(iter(lambda: s.recv(65536), b""))
        print("exact" if back == text else f"{len(back)} of {len(text)}")
        """,
        lab.FW,
        TEXT_PORT,
        3_000_000,
        timeout=120,
    )
    assert answer == "exact"
    stats = firewall.ask("stats")["stats"]
    assert stats["packets"] > 2000
    assert [name for name in stats["counters"] if name.startswith("drop.")] == []
    assert stats["plugins"]["stream"] == {"buffered": 0, "gaps": 0, "mptcp_stripped": 0, "syn_data_stripped": 0}
