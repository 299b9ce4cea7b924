"""A lab of network namespaces: ``peer`` -- ``fw``, and on request ``peer`` -- ``fw`` -- ``server``."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pywall_core.testing.netns import enter

PYWALL = (sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())")
_numbers = itertools.count()
_TALK = """
import socket, sys, time
def address(host): return socket.AF_INET6 if ":" in host else socket.AF_INET
"""


def _able() -> bool:
    if os.geteuid() != 0 or subprocess.run(["sh", "-c", "command -v ip iptables nft"], capture_output=True).returncode:
        return False
    probe = f"pw-{os.getpid()}-probe"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return done.returncode == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    mine = [item for item in items if str(item.path).startswith(here)]
    able = bool(mine) and _able()
    for item in mine:
        item.add_marker(pytest.mark.netns)
        if not able:
            item.add_marker(pytest.mark.skip(reason="needs root, network namespaces, iptables and nft"))


def patience(seconds: float) -> float:
    """Return how long something may take here that takes ``seconds`` where a processor is to spare: longer by as many
    times as there are processes for each processor."""
    return seconds * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until(condition: Callable[[], object], timeout: float = 10.0, what: str = "condition") -> None:
    """Fail unless ``condition`` becomes true within ``timeout`` seconds, or what they come to on a busy machine."""
    timeout = patience(timeout)
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout:.0f} s"
        time.sleep(0.05)


class Namespace:
    def __init__(self, name: str) -> None:
        self.name = name
        self.started: list[subprocess.Popen[str]] = []
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.run("ip link set lo up")

    def command(self, *argv: str) -> list[str]:
        return enter(self.name, *argv)

    def run(self, line: str, check: bool = True, timeout: float = 30) -> str:
        done = subprocess.run(self.command("sh", "-c", line), capture_output=True, text=True, timeout=timeout)
        assert not check or done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout

    def start(self, *argv: str, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(self.command(*argv), text=True, **options)  # type: ignore[call-overload]
        self.started.append(process)
        return process

    def python(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Start a script with ``socket``, ``sys``, ``time`` and ``address(host)`` at hand."""
        script = _TALK + textwrap.dedent(code)
        argv = [sys.executable, "-c", script, *map(str, arguments)]
        return self.start(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def ask(self, code: str, *arguments: object, timeout: float = 20) -> str:
        """Run such a script and return what it prints."""
        process = self.python(code, *arguments)
        out, err = process.communicate(timeout=patience(timeout))
        assert process.returncode == 0, err
        return out.strip()

    def ruleset(self, variant: str = "nft") -> str:
        """All rules of all families, without dates and counters."""
        listing = f"iptables-{variant}-save; ip6tables-{variant}-save"
        if variant == "nft":
            listing += "; nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'"
        return self.run(f"({listing}) | grep -v '^#' | sed 's/\\[[0-9]*:[0-9]*\\]//'", check=False)

    def echo_server(self, port: int, host: str = "0.0.0.0", kind: str = "tcp") -> subprocess.Popen[str]:
        """A server that sends back what it gets; each TCP connection in a thread."""
        process = self.python(
            """
            import threading
            host, port, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
            s = socket.socket(address(host), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((host, port))
            def serve(c):
                try:
                    while data := c.recv(65536):
                        c.sendall(data)
                except OSError:
                    pass
                c.close()
            if kind == "tcp":
                s.listen(512)
            print("ready", flush=True)
            while True:
                if kind == "tcp":
                    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
                else:
                    data, peer = s.recvfrom(65536)
                    s.sendto(data, peer)
            """,
            host,
            port,
            kind,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def echo(self, host: str, port: int, kind: str = "tcp", times: int = 1, timeout: float = 5.0) -> str:
        """``"ok"`` when every message came back, else the name of the exception, each after ``timeout`` seconds."""
        return self.ask(
            """
            host, port, kind, times, timeout = sys.argv[1:]
            try:
                s = socket.socket(address(host), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
                s.settimeout(float(timeout))
                s.connect((host, int(port)))
                for n in range(int(times)):
                    s.send(b"message %d" % n)
                    assert s.recv(65536) == b"message %d" % n
                print("ok")
            except OSError as error:
                print(type(error).__name__)
            """,
            host,
            port,
            kind,
            times,
            timeout,
            timeout=timeout * (times + 2) + 10,
        )

    def queued(self) -> dict[int, int]:
        """Packets that came to each bound queue."""
        lines = self.run("cat /proc/net/netfilter/nfnetlink_queue", check=False).splitlines()
        return {int(line.split()[0]): int(line.split()[7]) for line in lines}

    def delete(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=5)
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Firewall:
    """A running ``pywall run`` in a namespace; ``under`` is a command that runs it, such as setpriv."""

    def __init__(
        self, namespace: Namespace, config: Path, log: Path, environment: dict[str, str], under: tuple[str, ...] = ()
    ) -> None:
        self.namespace = namespace
        self.config = config
        self.log_path = log
        with log.open("a") as stderr:
            self.process = namespace.start(
                *under,
                *PYWALL,
                "run",
                "--config",
                str(config),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **environment},
            )

    @property
    def pid(self) -> int:
        return self.process.pid  # nsenter replaces itself

    def log(self) -> str:
        return self.log_path.read_text()

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            pids = [int(pid) for pid in children.read_text().split()]
        except OSError:
            return []
        return [pid for pid in pids if "pywall_core.daemon.worker" in command_line(pid)]

    def ready(self, timeout: float = 30.0) -> Firewall:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.log()
            return "pywall: running" in self.log()

        wait_until(is_ready, timeout, "start")
        return self

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float = 10.0) -> int:
        """Return the exit code; raise TimeoutExpired unless it ends within ``patience(timeout)`` seconds."""
        return self.process.wait(patience(timeout))

    def stop(self, number: int = signal.SIGTERM, timeout: float = 5.0) -> int:
        self.send(number)
        return self.wait(timeout)

    def resident(self) -> int:
        """Resident memory of all workers, bytes."""
        return sum(self.sizes())

    def sizes(self) -> list[int]:
        """Resident memory of each worker, bytes."""
        return [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in self.workers()]

    def ask(self, *words: str) -> dict[str, object]:
        """The answer of a subcommand with ``--json``."""
        argv = self.namespace.command(*PYWALL, *words, "--json")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        return answer


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


class Lab:
    """Two namespaces on one link; the firewall is to run in ``fw``."""

    FW, FW6 = "10.77.0.1", "fd77::1"
    PEER, PEER6 = "10.77.0.2", "fd77::2"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        stem = f"pw-{os.getpid()}-{next(_numbers)}"
        self.fw = Namespace(f"{stem}-fw")
        self.peer = Namespace(f"{stem}-peer")
        self.fw.run(f"ip link add fw0 type veth peer name peer0 netns {self.peer.name}")
        for namespace, link, addresses in (
            (self.fw, "fw0", (self.FW, self.FW6)),
            (self.peer, "peer0", (self.PEER, self.PEER6)),
        ):
            namespace.run(
                f"ip addr add {addresses[0]}/24 dev {link}; ip addr add {addresses[1]}/64 dev {link} nodad;"
                f"ip link set {link} up"
            )
        self._count = itertools.count()
        self.firewalls: list[Firewall] = []
        self._more: list[Namespace] = []

    SERVER, SERVER6 = "10.78.0.2", "fd78::2"

    def add_namespace(self, name: str) -> Namespace:
        """One more namespace, without links."""
        made = Namespace(f"{self.fw.name}-{name}")
        self._more.append(made)
        return made

    def add_server(self) -> Namespace:
        """A third namespace behind ``fw``, which becomes a gateway."""
        server = self.add_namespace("server")
        self.fw.run(f"ip link add fw1 type veth peer name server0 netns {server.name}")
        self.fw.run("ip addr add 10.78.0.1/24 dev fw1; ip addr add fd78::1/64 dev fw1 nodad; ip link set fw1 up")
        self.fw.run("sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        server.run("ip addr add 10.78.0.2/24 dev server0; ip addr add fd78::2/64 dev server0 nodad")
        server.run("ip link set server0 up; ip route add default via 10.78.0.1; ip route add default via fd78::1")
        self.peer.run("ip route add default via 10.77.0.1; ip route add default via fd77::1")
        return server

    def send_frames(self, packets: Iterable[bytes], rate: float = 3000) -> None:
        """Send IP packets from the peer's link as they are, ``rate`` a second."""
        mac = json.loads(self.fw.run("ip -json link show fw0"))[0]["address"]
        argv = [sys.executable, str(Path(__file__).with_name("frames.py")), "peer0", mac, str(rate)]
        data = b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)
        subprocess.run(self.peer.command(*argv), input=data, check=True, stdout=subprocess.DEVNULL, timeout=300)

    def write(self, text: str, name: str = "pywall.yaml") -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        path.chmod(0o644)
        return path

    def begin(
        self, text: str, *, name: str = "pywall.yaml", under: tuple[str, ...] = (), **environment: str
    ) -> Firewall:
        """Start the firewall with a policy; it may not be ready yet."""
        return self.start_with(self.write(text, name), under, **environment)

    def start_with(self, config: Path, under: tuple[str, ...] = (), **environment: str) -> Firewall:
        """The same with a file as it is."""
        firewall = Firewall(self.fw, config, self.folder / f"log-{next(self._count)}", environment, under)
        self.firewalls.append(firewall)
        return firewall

    def run(self, text: str, **environment: str) -> Firewall:
        """Start the firewall with a policy and wait until it runs."""
        return self.begin(text, **environment).ready()

    def close(self) -> None:
        for firewall in self.firewalls:
            if firewall.process.poll() is None:
                firewall.send(signal.SIGTERM)
                try:
                    firewall.process.wait(8)
                except subprocess.TimeoutExpired:
                    firewall.process.kill()
        for namespace in (*self._more, self.fw, self.peer):
            namespace.delete()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    tmp_path.chmod(0o755)
    made = Lab(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def until() -> Callable[..., None]:
    return wait_until


@pytest.fixture(params=["nft", "legacy"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)
