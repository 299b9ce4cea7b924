"""Rules by program, user and cgroup, with real programs on the wire: curl, Python and bash, as different users."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CURL = os.path.realpath(shutil.which("curl") or "/usr/bin/curl")
BASH = os.path.realpath(shutil.which("bash") or "/bin/bash")
PYTHON = os.path.realpath(sys.executable)
POLICY = """\
version: 1
queue: {{number: 171}}
plugins: [rules, stream, protocols, process]
events: {{file: {events}}}
chains:
  OUTPUT:
{rules}
default: {{INPUT: ACCEPT, OUTPUT: {default}}}
"""
HTTP = """
import http.server, sys
class Server(http.server.ThreadingHTTPServer): address_family = address("::")
class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers()
        self.wfile.write(b"page\\n")
    def log_message(self, *args): pass
server = Server(("::", 8000), Page)
print("ready", flush=True)
server.serve_forever()
"""


class Wire:
    """Programs on the firewall's host that want something from the other one."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        server = lab.peer.python(HTTP)
        assert server.stdout.readline() == "ready\n"
        self.events = lab.folder / "eve.json"

    def run(self, *rules: str, default: str = "ACCEPT") -> Any:
        text = "".join(f"    - {rule}\n" for rule in rules)
        return self.lab.run(POLICY.format(events=self.events, rules=text, default=default))

    def does(self, *argv: str, user: str | None = None) -> bool:
        """Whether a program gets the page."""
        as_user = ("setpriv", "--reuid", user, "--regid", "65534", "--clear-groups") if user else ()
        command = self.lab.fw.command(*as_user, *argv)
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd="/")
        return "page" in done.stdout

    def curl(self, host: str = "", user: str | None = None, program: str = CURL) -> bool:
        return self.does(program, "-s", "-g", "-m", "2", f"http://{host or self.lab.PEER}:8000/", user=user)

    def bash(self, user: str | None = None) -> bool:
        talk = f"exec 3<>/dev/tcp/{self.lab.PEER}/8000; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 2 cat <&3"
        return self.does("timeout", "3", BASH, "-c", talk, user=user)

    def flows(self) -> list[dict[str, Any]]:
        lines = map(json.loads, self.events.read_text().splitlines())
        return [event for event in lines if event["event_type"] == "flow"]


@pytest.fixture
def wire(lab: Any) -> Wire:
    return Wire(lab)


def test_one_program_may_and_others_may_not(wire: Wire) -> None:
    wire.run(f"{{rule: process, path: {CURL}, action: ACCEPT}}", default="DROP")
    assert wire.curl()
    assert wire.curl(f"[{wire.lab.PEER6}]")
    assert wire.curl(user="nobody")
    assert not wire.bash()


def test_one_program_may_not_and_others_may(wire: Wire) -> None:
    wire.run(f'{{rule: process, path: "{CURL}*", action: REJECT}}')
    assert not wire.curl()
    assert not wire.curl(f"[{wire.lab.PEER6}]", user="nobody")
    assert wire.bash()


def test_users_are_told_apart_at_the_first_packet(wire: Wire) -> None:
    firewall = wire.run('{rule: user, is: [nobody, "1000-2000"], action: REJECT}')
    assert not wire.curl(user="nobody")
    assert not wire.curl(user="1500")
    assert wire.curl(user="2001")
    assert wire.curl()
    firewall.stop()
    told = [flow for flow in wire.flows() if flow["verdict"]["action"] == "reject"]
    assert len(told) == 2
    assert {flow["flow"]["pkts_toclient"] for flow in told} == {0}


def test_a_program_of_the_same_name_elsewhere_is_another_one(wire: Wire, tmp_path: Path) -> None:
    copy = tmp_path / "curl"
    shutil.copy(CURL, copy)
    wire.run(f"{{rule: process, path: {CURL}, action: ACCEPT}}", default="DROP")
    assert not wire.curl(program=str(copy))
    # in a mount namespace of its own a program can lie at any path
    own_mounts = ("timeout", "3", "unshare", "-m", "sh", "-c", f'mount --bind {BASH} {CURL} && exec {CURL} -c "$0"')
    talk = f"exec 3<>/dev/tcp/{wire.lab.PEER}/8000; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 2 cat <&3"
    assert not wire.does(*own_mounts, talk)


def test_a_service_is_known_by_its_cgroup(wire: Wire, until: Callable[..., None]) -> None:
    root = next(
        (
            Path(line.split()[4])
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if " - cgroup2 " in line
        ),
        None,
    )
    if root is None:
        pytest.skip("needs cgroup v2")
    service = root / f"pw-{os.getpid()}.slice" / "web.service"
    service.mkdir(parents=True)
    try:
        wire.run("{rule: cgroup, unit: web.service, action: REJECT}")
        inside = ("sh", "-c", f'echo $$ > {service}/cgroup.procs; exec "$@"', "sh")
        url = f"http://{wire.lab.PEER}:8000/"
        assert wire.curl()
        assert not wire.does(*inside, CURL, "-s", "-m", "2", url)
    finally:
        until(lambda: not (service / "cgroup.procs").read_text(), what="the service has ended")
        service.rmdir()
        service.parent.rmdir()


def test_who_listens_is_known_too(wire: Wire) -> None:
    wire.lab.fw.echo_server(7100)
    text = POLICY.format(events=wire.events, rules="", default="ACCEPT").replace("  OUTPUT:\n", "")
    rule = f"  INPUT:\n    - {{all: [{{rule: port, dst: 7100}}, {{rule: process, path: {PYTHON}}}], action: REJECT}}\n"
    wire.lab.run(text.replace("chains:\n", "chains:\n" + rule))
    assert wire.lab.peer.echo(wire.lab.FW, 7100) != "ok"
    wire.lab.fw.echo_server(7101)
    assert wire.lab.peer.echo(wire.lab.FW, 7101) == "ok"


def test_a_socket_that_is_not_connected_and_one_for_both_families(wire: Wire, until: Callable[..., None]) -> None:
    """UDP: the kernel finds sockets by their own end, also an IPv6 one that speaks IPv4."""
    wire.lab.peer.echo_server(9, kind="udp")
    firewall = wire.run("{rule: user, is: nobody, action: DROP}")
    for family, host in (("AF_INET", wire.lab.PEER), ("AF_INET6", f"::ffff:{wire.lab.PEER}")):
        script = (
            "import os, socket, sys; os.setuid(int(sys.argv[1]))\n"
            f"s = socket.socket(socket.{family}, socket.SOCK_DGRAM); s.settimeout(1)\n"
            f"s.sendto(b'page', ({host!r}, 9)); print(s.recv(99).decode())"
        )
        assert wire.does(PYTHON, "-c", script, "0")
        assert not wire.does(PYTHON, "-c", script, "65534")
    firewall.stop()
    told = [flow["pywall"]["process"] for flow in wire.flows() if flow["proto"] == "UDP" and flow["dest_port"] == 9]
    assert {process["uid"] for process in told} == {0, 65534}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_helper_that_ends_or_hangs_is_replaced(wire: Wire, until: Callable[..., None], number: int) -> None:
    firewall = wire.run(f"{{rule: process, path: {CURL}, action: ACCEPT}}", default="DROP")

    def helpers() -> list[int]:
        children = Path(f"/proc/{firewall.pid}/task/{firewall.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"daemon.helper" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    first = helpers()
    assert len(first) == 1
    wanted = f"CapEff:\t{1 << 19 | 1 << 2:016x}"
    until(lambda: wanted in Path(f"/proc/{first[0]}/status").read_text(), 10, "it has given up its other capabilities")
    assert wire.curl()
    os.kill(first[0], number)
    until(lambda: helpers() and helpers() != first, 20, "a new helper")
    assert wire.curl()
    assert not wire.bash()
    firewall.send(1)
    until(lambda: firewall.log().count("reloaded") == 1, 30, "reload")
    assert wire.curl()
    assert not wire.bash()
    kept = helpers()
    assert firewall.stop() == 0
    assert kept
    assert not any(Path(f"/proc/{pid}").exists() for pid in kept)


def test_a_reload_may_be_the_first_to_ask_for_processes(wire: Wire, until: Callable[..., None]) -> None:
    firewall = wire.lab.run("version: 1\nqueue: {number: 171}\nplugins: [rules]\ndefault: ACCEPT\n")
    rule = f"    - {{rule: process, path: {CURL}, action: ACCEPT}}\n"
    wire.lab.write(POLICY.format(events=wire.events, rules=rule, default="DROP"))
    firewall.send(1)
    until(lambda: "reloaded" in firewall.log(), 30, "reload")
    assert wire.curl(user="65534"), "a process of another user, too"
    assert not wire.bash()
    assert "missing" not in firewall.log()


def test_flows_are_named_also_where_no_rule_asks(wire: Wire) -> None:
    firewall = wire.run("{rule: ip, dst: 192.0.2.1, action: DROP}")
    for _ in range(20):
        assert wire.curl()
    firewall.stop()
    told = [flow["pywall"].get("process", {}) for flow in wire.flows() if flow["dest_port"] == 8000]
    assert len(told) == 20
    assert {process.get("path") for process in told} == {CURL}
    assert {process.get("user") for process in told} == {"root"}
