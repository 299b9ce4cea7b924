"""Named sets on the wire: bans by command and by rule, decided connections too, in the kernel where it can."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep, strftime
from typing import Any

import pytest

from pywall_core.testing.netns import CLIENT4, Lab, unavailable

PYWALL = (sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())")
ECHO = """
import socket, threading
s = socket.create_server(("0.0.0.0", 7000)); print("ready", flush=True)
def serve(c):
    while data := c.recv(1000): c.sendall(data)
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""
#: says each line that comes back; "timeout" when none does
TALK = """
import socket, sys
c = socket.create_connection((sys.argv[1], 7000), 5)
c.settimeout(2)
for line in sys.stdin:
    c.sendall(line.encode())
    try: print(c.recv(1000).decode().strip(), flush=True)
    except TimeoutError: print("timeout", flush=True)
"""
POLICY = """\
version: 1
queue: {number: 62}
plugins: [rules, stream, protocols]
sets:
  blocked: {}
  scanners: {}
  crowdsec: {}
  fail2ban: {}
chains:
  INPUT:
    - {rule: ip, src: '@blocked', action: DROP}
    - {rule: ip, src: '@crowdsec', action: DROP}
    - {rule: ip, src: '@fail2ban', action: DROP}
    - {rule: port, protocol: tcp, dst: 23, action: DROP, add: {set: scanners, for: 10m}}
    - {rule: ip, src: '@scanners', action: DROP}
"""

pytestmark = [
    pytest.mark.skipif(unavailable() is not None, reason=str(unavailable())),
    pytest.mark.skipif(shutil.which("ipset") is None, reason="needs ipset"),
]


def until(condition: Callable[[], object]) -> None:
    end = monotonic() + 20
    while not condition():
        assert monotonic() < end
        sleep(0.05)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    with Lab() as made:
        server = made.start("server", sys.executable, "-c", ECHO, stdout=subprocess.PIPE, text=True)
        assert server.stdout.readline() == "ready\n"
        made.start("server", *PYWALL, "run", "--config", str(policy), stderr=subprocess.DEVNULL)
        until(lambda: "PYWALL_blocked_4" in made.run("server", "iptables-save"))
        yield made


def pywall(lab: Lab, *words: str) -> str:
    return lab.run("server", *PYWALL, *words)


def talk(lab: Lab) -> Callable[[str], str]:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    client = lab.start("client", sys.executable, "-c", TALK, lab.server4, **pipes)

    def say(text: str) -> str:
        client.stdin.write(f"{text}\n")
        client.stdin.flush()
        return str(client.stdout.readline().strip())

    return say


def test_a_block_ends_decided_connections_and_unblock_takes_it_back(lab: Lab) -> None:
    say = talk(lab)
    assert say("one") == "one"
    pywall(lab, "block", CLIENT4, "--for", "1h")
    assert say("two") == "timeout"
    pywall(lab, "unblock", CLIENT4)
    assert talk(lab)("three") == "three"


def test_a_rule_adds_and_the_workers_decide_where_the_kernel_cannot(lab: Lab) -> None:
    """@scanners is asked behind a rule that the kernel does not carry out: an accepted connection ends nevertheless."""
    say = talk(lab)
    assert say("one") == "one"
    lab.run(
        "client",
        sys.executable,
        "-c",
        f"import socket; socket.create_connection(({lab.server4!r}, 23), 0.5)",
        check=False,
    )
    until(lambda: CLIENT4 in pywall(lab, "set", "list", "scanners"))
    pywall(lab, "set", "add", "scanners", CLIENT4)
    until(lambda: say("two") == "timeout")


def test_entries_stay_over_a_reload_and_nothing_is_left_at_the_end(lab: Lab) -> None:
    pywall(lab, "set", "add", "blocked", "203.0.113.0/24", "2001:db8::/32", "--for", "7d")
    pywall(lab, "reload")
    until(lambda: "PYWALL_blocked_4" in lab.run("server", "iptables-save"))
    assert "203.0.113.0/24" in pywall(lab, "set", "list", "blocked")
    assert "203.0.113.0/24" in lab.run("server", "ipset", "list", "PYWALL_blocked_4")
    assert "2001:db8::/32" in lab.run("server", "ipset", "list", "PYWALL_blocked_6")
    lab.run("server", *PYWALL, "set", "test", "blocked", "203.0.113.77")
    firewall = lab.run("server", *PYWALL, "status", "--json")
    os.kill(json.loads(firewall)["pid"], signal.SIGTERM)
    until(lambda: "PYWALL" not in lab.run("server", "iptables-save"))
    until(lambda: not lab.run("server", "ipset", "list", "-n").strip())


def test_a_reload_with_another_size_makes_the_kernels_set_again(lab: Lab, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY.replace("blocked: {}", "blocked: {size: 1000, entries: [203.0.113.0/24]}"))
    pywall(lab, "reload")
    until(lambda: "maxelem 1000" in lab.run("server", "ipset", "list", "-t", "PYWALL_blocked_4"))
    until(lambda: "PYWALL_blocked_4" in lab.run("server", "iptables-save"))
    assert "203.0.113.0/24" in lab.run("server", "ipset", "list", "PYWALL_blocked_4")


def test_drops_by_source_come_before_conntrack_unless_others_packets_are_forwarded(lab: Lab) -> None:
    """The policy says nothing of FORWARD: a router's packets of a blocked source still pass it."""

    def asks(table: str) -> bool:
        return "PYWALL_blocked_4 src" in lab.run("server", "iptables-save", "-t", table)

    def passed() -> str:
        return lab.run("server", "iptables", "-nvxL", "FORWARD")

    say = talk(lab)
    assert say("one") == "one"
    pywall(lab, "block", CLIENT4)
    lab.run("server", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    until(lambda: asks("raw") and not asks("mangle"))
    assert say("two") == "timeout"
    lab.run("server", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    until(lambda: asks("mangle") and not asks("raw"))
    assert say("three") == "timeout"
    lab.run("server", "iptables", "-A", "FORWARD", "-s", CLIENT4, "-d", "198.51.100.1", "-j", "DROP")
    lab.run("client", "ip", "route", "add", "198.51.100.1", "via", lab.server4)
    lab.run("server", "ip", "route", "add", "198.51.100.1", "via", CLIENT4)
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 9))"
    lab.run("client", sys.executable, "-c", send)
    until(lambda: re.search(r"^ *1 .* DROP .*198.51.100.1", passed(), re.MULTILINE))
    lab.run("server", "sysctl", "-qw", "net.ipv4.ip_forward=0")
    until(lambda: asks("raw") and not asks("mangle"))
    pywall(lab, "unblock", CLIENT4)
    assert talk(lab)("four") == "four"


def test_wrong_entries_and_unknown_sets_are_said(lab: Lab) -> None:
    for words, says in (
        (("set", "add", "blocked", "10.0.0.1/33"), "is not an address or network: a length is at most 32"),
        (
            ("set", "add", "bloked", "10.0.0.1"),
            "there is no set 'bloked' in the policy (it has: blocked, scanners, crowdsec, fail2ban)",
        ),
        (("allow", "10.0.0.1"), "the policy has no set 'allowed': add 'sets: {allowed: {type: addresses}}'"),
    ):
        done = subprocess.run(lab.command("server", *PYWALL, *words), capture_output=True, text=True)
        assert done.returncode == 1
        assert says in done.stderr


#: a CrowdSec local API with one decision, which it takes back when the file is there
LAPI = """
import http.server, json, os, sys
class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        one = {"id": 1, "type": "ban", "scope": "Ip", "value": sys.argv[1], "duration": "3h59m2.5s"}
        gone = os.path.exists(sys.argv[2])
        startup = "startup=true" in self.path
        answer = {"new": [one] if startup and not gone else None, "deleted": [one] if gone and not startup else None}
        self.send_response(200 if self.headers["X-Api-Key"] == "key" else 403); self.end_headers()
        self.wfile.write(json.dumps(answer).encode())
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 8080), Api); print("ready", flush=True); server.serve_forever()
"""


def test_decisions_of_crowdsec_end_connections_and_are_taken_back(lab: Lab, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    api = lab.start("server", sys.executable, "-c", LAPI, CLIENT4, str(gone), stdout=subprocess.PIPE, text=True)
    assert api.stdout.readline() == "ready\n"
    say = talk(lab)
    assert say("one") == "one"
    environment = {**os.environ, "PYWALL_CROWDSEC_KEY": "key"}
    words = ("set", "crowdsec", "--every", "1s")
    lab.start("server", *PYWALL, *words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: CLIENT4 in pywall(lab, "set", "list", "crowdsec"))
    assert say("two") == "timeout"
    gone.touch()
    until(lambda: CLIENT4 not in pywall(lab, "set", "list", "crowdsec"))
    assert talk(lab)("three") == "three"


@pytest.mark.skipif(shutil.which("fail2ban-server") is None, reason="needs fail2ban")
def test_fail2ban_bans_and_unbans(lab: Lab, tmp_path: Path) -> None:
    log, config = tmp_path / "auth.log", tmp_path / "fail2ban"
    log.touch()
    (config / "filter.d").mkdir(parents=True)
    (config / "action.d").mkdir()
    shutil.copy(Path(__file__).parents[2] / "packaging" / "fail2ban" / "pywall.conf", config / "action.d")
    command = tmp_path / "pywall"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pywall_core "$@"\n')
    command.chmod(0o755)
    (config / "filter.d" / "failed.conf").write_text("[Definition]\nfailregex = ^ failed from <HOST>$\n")
    files = f"socket = {tmp_path}/f2b.sock\npidfile = {tmp_path}/f2b.pid\nlogtarget = {tmp_path}/f2b.log\n"
    options = "loglevel = INFO\nsyslogsocket = auto\ndbfile = None\ndbmaxmatches = 10\ndbpurgeage = 1d\n"
    (config / "fail2ban.conf").write_text(f"[Definition]\n{files}{options}[Thread]\nstacksize = 0\n")
    (config / "jail.conf").write_text(
        f"[ours]\nenabled = true\nfilter = failed\nlogpath = {log}\nbackend = polling\nmaxretry = 2\nfindtime = 60\n"
        f"bantime = 600\naction = pywall[pywall={command}]\n"
    )
    say = talk(lab)
    assert say("one") == "one"
    client = ("fail2ban-client", "-c", str(config), "-s", f"{tmp_path}/f2b.sock")
    lab.start("server", "fail2ban-server", "-f", *client[1:], stdout=subprocess.DEVNULL)
    until(lambda: "ours" in lab.run("server", *client, "status", check=False))
    with log.open("a") as file:
        for _ in range(2):
            file.write(f"{strftime('%Y-%m-%d %H:%M:%S')} failed from {CLIENT4}\n")
    until(lambda: CLIENT4 in pywall(lab, "set", "list", "fail2ban"))
    assert say("two") == "timeout"
    lab.run("server", *client, "set", "ours", "unbanip", CLIENT4)
    until(lambda: CLIENT4 not in pywall(lab, "set", "list", "fail2ban"))
    lab.run("server", *client, "set", "ours", "bantime", "-1")
    lab.run("server", *client, "set", "ours", "banip", CLIENT4)
    until(lambda: f"{CLIENT4}\n" in pywall(lab, "set", "list", "fail2ban").replace(" ", ""))  # for good
