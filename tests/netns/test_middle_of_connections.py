"""nginx and a client that keeps its connection: what a REJECT does in the middle of it; Multipath TCP."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.covert.labs import Stage, need, wait_for

pytestmark = pytest.mark.netns
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: http.path, is: /secret, action: %s}]
default: ACCEPT
"""
#: sends each line of its input as bytes (a Python literal), and says how many 200s have come, or that it was told
CLIENT = """
import ast, socket, sys
s = socket.create_connection((sys.argv[1], 8080), timeout=6)
came = b""
for line in sys.stdin:
    data, wanted = ast.literal_eval(line)
    try:
        s.sendall(data)
        while came.count(b"HTTP/1.1 200") < wanted:
            more = s.recv(65536)
            if not more:
                raise ConnectionResetError
            came += more
        print(came.count(b"HTTP/1.1 200"), flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
"""
OK = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
SECRET = OK.replace(b"/ok", b"/secret")


class Client:
    """A connection from the client's host to nginx."""

    def __init__(self, stage: Stage) -> None:
        self.process = stage.lab.start(
            "client", sys.executable, "-c", CLIENT, stage.server,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def say(self, data: bytes, wanted: int) -> str:
        """Send bytes, wait for so many answers in all. Return how many there are, or the error's name."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{(data, wanted)!r}\n")
        self.process.stdin.flush()
        return str(self.process.stdout.readline()).strip()


@pytest.fixture
def stage(netns_lab: Any) -> Iterator[Stage]:
    need("nginx")
    with tempfile.TemporaryDirectory(prefix="pywall-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        stage = Stage(netns_lab(), folder)
        (folder / "www").mkdir()
        for page in ("ok", "secret"):
            (folder / "www" / page).write_text("fine")
        temps = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi"))
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
            f"http {{ {temps} scgi_temp_path {folder}/scgi; access_log {folder}/access.log; root {folder}/www;\n"
            "server { listen 8080; } }\n"
        )
        stage.start("server", "nginx", "-e", folder / "error.log", "-c", config)
        stage.wait_listening("server", 8080)
        yield stage


def asked(stage: Stage) -> list[str]:
    return [line.split()[6] for line in (stage.folder / "access.log").read_text().splitlines()]


def test_a_reject_in_the_middle_tells_both_sides(stage: Stage) -> None:
    stage.start_firewall(POLICY % "REJECT")
    client = Client(stage)
    assert client.say(OK, 1) == "1"
    assert client.say(SECRET, 2) in ("ConnectionResetError", "TimeoutError")
    told = client.say(OK, 2)
    assert told in ("ConnectionResetError", "BrokenPipeError")

    def gone() -> bool:
        return ":8080" not in stage.lab.run("server", "ss", "-Htn", "state", "established", "sport", "=", ":8080")

    wait_for(gone, "the server's end of the connection is closed")
    assert "/secret" not in asked(stage)


MPTCP = getattr(socket, "IPPROTO_MPTCP", 262)
_MPTCP_SERVER = f"""
import socket, sys, threading
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, {MPTCP})
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 9300)); s.listen()
print("ready", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(c.recv(1000)); c.close()
"""
_MPTCP_CLIENT = f"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, {MPTCP})
s.settimeout(4)
try:
    s.connect((sys.argv[1], 9300))
    s.sendall(b"hello")
    came = s.recv(100)
    print(came.decode())
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize("choice", ["strip", "allow", "drop"])
def test_multipath_tcp_of_a_stock_kernel(stage: Stage, choice: str) -> None:
    """``strip``: it goes on as plain TCP; ``allow``: as Multipath TCP; ``drop``: the client's kernel tries without."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP).close()
    except OSError:
        pytest.skip("this kernel has no Multipath TCP")
    stage.start("server", sys.executable, "-c", _MPTCP_SERVER, stage.server, ready="ready")
    counters = ("nstat", "-asz", "MPTcpExtMPCapableACKRX")

    def accepted() -> int:
        lines = stage.lab.run("server", *counters).splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("MPTcpExtMPCapableACKRX"))

    policy = POLICY.replace("rules, stream,", f"rules, {{stream: {{mptcp: {choice}}}}},") % "DROP"
    stage.start_firewall(policy)
    before = accepted()
    said = stage.lab.run("client", sys.executable, "-c", _MPTCP_CLIENT, stage.server).strip()
    assert said == "hello" or (choice == "drop" and said == "TimeoutError")
    assert (accepted() > before) == (choice == "allow")


#: echoes once, then keeps the connection until its input ends
_MPTCP_KEEPER = f"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, {MPTCP})
s.settimeout(8)
s.connect((sys.argv[1], 9301))
s.sendall(b"hello")
print(s.recv(100).decode(), flush=True)
sys.stdin.read()
"""
_MPTCP_HOLDER = _MPTCP_SERVER.replace("9300", "9301").replace(
    "c.sendall(c.recv(1000)); c.close()", "c.sendall(c.recv(1000))"
)


@pytest.mark.parametrize("guarded", [False, True], ids=["without a firewall", "with one"])
def test_no_subflow_joins_a_connection_from_before(stage: Stage, guarded: bool) -> None:
    """A join has no handshake of its connection before it that was seen: the server answers it as another connection,
    and the client's kernel gives it up.
    """
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP).close()
    except OSError:
        pytest.skip("this kernel has no Multipath TCP")
    run = stage.lab.run
    if "MPTcpExtMPJoinSynTx" not in run("client", "nstat", "-asz", "MPTcpExtMPJoinSynTx"):
        pytest.skip("this kernel does not count joins that it tries")
    stage.start("server", sys.executable, "-c", _MPTCP_HOLDER, stage.server, ready="ready")
    device, address = run("client", "ip", "-o", "-4", "addr", "show", "scope", "global").split()[1:4:2]
    second = address.rpartition(".")[0] + ".77"
    run("client", "ip", "addr", "add", f"{second}/24", "dev", device)
    for host in ("client", "server"):
        run(host, "ip", "mptcp", "limits", "set", "subflow", "2", "add_addr_accepted", "2")
    keeper = stage.lab.start(
        "client", sys.executable, "-c", _MPTCP_KEEPER, stage.server,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == "hello\n"
    if guarded:
        stage.start_firewall(POLICY % "DROP")

    def count(host: str, name: str) -> int:
        lines = run(host, "nstat", "-asz", name).splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(name))

    run("client", "ip", "mptcp", "endpoint", "add", second, "dev", device, "subflow")
    if guarded:
        wait_for(lambda: count("client", "MPTcpExtMPJoinSynTx") > 0, "the client's kernel tries")
        assert count("server", "MPTcpExtMPJoinSynRx") == count("server", "MPTcpExtMPJoinAckRx") == 0
    else:
        wait_for(lambda: count("server", "MPTcpExtMPJoinAckRx") > 0, "a joined subflow")
