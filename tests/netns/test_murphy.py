"""What can go wrong goes wrong, at random and seeded, under steady mixed traffic: ``make test-murphy``.

``MURPHY_SECONDS`` (120) and ``MURPHY_SEED`` choose the run. Checked all along: nothing forbidden passes while our rules
are there, nothing allowed stays broken for over ten seconds that no fault explains, memory stays within bounds; at the
end no rule and no process is left.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.certificates import make_certificate

SECONDS = float(os.environ.get("MURPHY_SECONDS", "120"))
SEED = int(os.environ.get("MURPHY_SEED", str(time.time_ns() % 100_000)))
#: seconds that allowed traffic may stay broken, that somebody's flush may last, bytes that one worker may grow
BROKEN = 10.0
FLUSHED = 4.0
MEMORY = 96 << 20
#: seconds that an end may take beside other work; test_life.py holds the five that are promised
STOPPED = 60.0
TRAFFIC = str(Path(__file__).with_name("murphy_traffic.py"))
POLICY = """
    version: 1
    queue: {number: 7, hooks: [INPUT, OUTPUT, FORWARD], workers: %(workers)d}
    plugins: [saboteur, rules, stream, protocols]
    events: {file: %(events)s, stats: 5}
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 9001, action: DROP}
        - {rule: port, protocol: udp, dst: 9002, action: DROP}
        - all: [{rule: port, protocol: tcp, dst: 9443}, {rule: app, is: tls}]
          action: DROP
        - {rule: flow, initiator: local, action: ACCEPT}
        - {rule: protocol, is: [icmp, icmpv6], action: ACCEPT}
        - {rule: port, protocol: udp, dst: [7000, 8100], action: ACCEPT}
        - {rule: app, is: [%(names)s, http, tls, dns], confirmed: true, action: ACCEPT}
      OUTPUT:
        - {rule: port, protocol: tcp, dst: 9003, action: DROP}
      FORWARD:
        - {rule: port, protocol: tcp, dst: 9001, action: DROP}
        - {rule: app, is: ssh, action: DROP}
    default: {INPUT: DROP, OUTPUT: ACCEPT, FORWARD: ACCEPT}
    """
SABOTEUR = """
from pywall_core.api import hookimpl

@hookimpl
def pywall_packet(packet, flow):
    if packet.dport == 8100:
        if b"hang" in packet.data:
            while True:
                pass
        raise ValueError("told to")
"""
SERVERS = {"8000": "http", "8443": "tls", "9443": "tls", "2222": "ssh", "53": "dns", "7000": "udp", "9001": "tcp"} | {
    "9002": "udp",
    "9003": "tcp",
}
FW, PEER, SERVER = "10.77.0.1", "10.77.0.2", "10.78.0.2"
#: name, kind, host, port
ALLOWED = [
    ["http", "http", FW, 8000],
    ["tls", "tls", FW, 8443],
    ["ssh", "ssh", FW, 2222],
    ["dns", "dns", FW, 53],
    ["udp", "udp", FW, 7000],
    ["icmp", "icmp", FW, 0],
    ["forwarded http", "http", SERVER, 8000],
    ["forwarded udp", "udp", SERVER, 7000],
    ["tunnel", "http", "10.99.0.2", 8000],
]
FORBIDDEN = [
    ["port", "tcp", FW, 9001],
    ["datagram", "udp", FW, 9002],
    ["content", "tls", FW, 9443],
    ["forwarded port", "tcp", SERVER, 9001],
    ["forwarded content", "ssh", SERVER, 2222],
]
OUTGOING = [["outgoing http", "http", PEER, 8000], ["outgoing port", "tcp", PEER, 9003]]
FORBIDDEN_NAMES = {probe[0] for probe in FORBIDDEN} | {"outgoing port"}
FOREIGN_MARKS = [
    "iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark",
    "iptables -t mangle -I INPUT 1 -j CONNMARK --restore-mark",
    "iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 0xca6c",
    "iptables -t mangle -A POSTROUTING -j CONNMARK --save-mark",
    "nft add table ip others; nft 'add chain ip others pre { type filter hook prerouting priority -150; }'; "
    "nft add rule ip others pre meta mark set ct mark",
]


class Murphy:
    """The lab, its traffic, its firewall, and what was done to them."""

    def __init__(self, lab: Any, until: Callable[..., None]) -> None:
        self.lab, self.until = lab, until
        self.random = random.Random(SEED)
        self.server = lab.add_server()
        #: times in which allowed traffic need not pass, and in which no rule of ours is there
        self.disturbed: list[tuple[float, float]] = []
        self.open: list[tuple[float, float]] = []
        #: times in which the policy forbids SSH
        self.no_ssh: list[tuple[float, float]] = []
        self.ssh_allowed = True
        self.done: list[tuple[float, str]] = []
        self.workers = self.random.choice([1, 2])
        self.disk = lab.folder / "disk"
        self.rundir = Path("/run/pywall", lab.fw.run("stat -Lc %i /proc/self/ns/net").strip())
        self.mounts: list[Path] = []
        self.largest = 0

    # --- set up ---------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        lab = self.lab
        pem = make_certificate(lab.folder, "a.example").both
        self._tunnel()
        for namespace, host in ((lab.fw, "0.0.0.0"), (lab.peer, "0.0.0.0"), (self.server, "0.0.0.0")):
            self._python(namespace, "serve", host, str(pem), json.dumps(SERVERS))
        for path in (self.disk, self.rundir):
            path.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", path], check=True)
            self.mounts.append(path)
        site = lab.folder / "site"
        info = site / "saboteur-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: saboteur\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[pywall.plugins]\nsaboteur = saboteur\n")
        (site / "saboteur.py").write_text(SABOTEUR)
        self.start()
        self._python(lab.peer, "probe", str(lab.folder / "peer.log"), json.dumps(ALLOWED + FORBIDDEN))
        self._python(lab.fw, "probe", str(lab.folder / "fw.log"), json.dumps(OUTGOING))

    def _tunnel(self) -> None:
        for namespace, local, remote, inner in (
            (self.lab.peer, PEER, SERVER, "10.99.0.1"),
            (self.server, SERVER, PEER, "10.99.0.2"),
        ):
            namespace.run(f"ip link add vx0 mtu 1200 type vxlan id 4 local {local} remote {remote} dstport 4789")
            namespace.run(f"ip addr add {inner}/24 dev vx0; ip link set vx0 up")

    def _python(self, namespace: Any, *words: str) -> None:
        process = namespace.start(sys.executable, TRAFFIC, *words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert process.stdout.readline() == "ready\n"

    def policy(self) -> str:
        names = "ssh" if self.ssh_allowed else "ftp"
        return POLICY % {"workers": self.workers, "events": self.disk / "eve.json", "names": names}

    def start(self) -> None:
        self.firewall = self.lab.run(self.policy(), PYTHONPATH=str(self.lab.folder / "site"))

    @contextmanager
    def noted(self, where: list[tuple[float, float]], rest: float = 0.0) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            where.append((begun, time.monotonic() + rest))

    # --- faults ---------------------------------------------------------------------------------------------------

    def stop_process(self) -> None:
        pid = self.random.choice([self.firewall.pid, *self.firewall.workers()])
        with self.noted(self.disturbed):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.random.uniform(0.5, 8.0))
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return  # a worker that did not answer was replaced

    def kill_worker(self) -> None:
        workers = self.firewall.workers()
        if workers:
            os.kill(self.random.choice(workers), self.random.choice([signal.SIGKILL, signal.SIGSEGV]))

    def kill_supervisor(self) -> None:
        with self.noted(self.disturbed):
            self.firewall.send(signal.SIGKILL)
            self.firewall.wait(10)
            time.sleep(self.random.uniform(0.0, 2.0))
            self.start()

    def restart(self) -> None:
        with self.noted(self.open), self.noted(self.disturbed):
            assert self.firewall.stop(timeout=STOPPED) == 0, self.firewall.log()[-2000:]
            self.start()

    def reload(self) -> None:
        answer = self.firewall.ask("reload")
        assert answer["ok"] is True, answer

    def reload_in_a_row(self) -> None:
        for _ in range(self.random.randrange(2, 6)):
            self.firewall.send(signal.SIGHUP)
            time.sleep(self.random.uniform(0.0, 0.5))

    def change_policy(self) -> None:
        begun = time.monotonic()
        self.ssh_allowed = not self.ssh_allowed
        self.lab.write(self.policy())
        self.reload()
        if self.ssh_allowed:
            self.no_ssh[-1] = (self.no_ssh[-1][0], time.monotonic())
        else:
            self.no_ssh.append((begun, float("inf")))

    def break_policy(self) -> None:
        self.lab.write("version: 1\nchains: [")
        assert self.firewall.ask("reload")["ok"] is False
        self.lab.write(self.policy())

    def flush_conntrack(self) -> None:
        self.lab.fw.run("conntrack -F", check=False)

    def flush_ruleset(self) -> None:
        with self.noted(self.open, FLUSHED), self.noted(self.disturbed, FLUSHED):
            self.lab.fw.run("nft flush ruleset")

    def flush_chain(self) -> None:
        tables = self.random.choice(["iptables", "ip6tables"])
        chains = self.lab.fw.run(f"{tables}-save -t mangle").splitlines()
        ours = [line[1:].split()[0] for line in chains if line.startswith(":PYWALL_")]
        if ours:
            with self.noted(self.open, FLUSHED), self.noted(self.disturbed, FLUSHED):
                self.lab.fw.run(f"{tables} -w 5 -t mangle -F {self.random.choice(ours)}", check=False)

    def rename_interface(self) -> None:
        with self.noted(self.disturbed, 2.0):
            self.lab.fw.run("ip link set fw0 down; ip link set fw0 name wan0; ip link set wan0 up")
            time.sleep(self.random.uniform(0.2, 2.0))
            self.lab.fw.run("ip link set wan0 down; ip link set wan0 name fw0; ip link set fw0 up")
            self._addresses()

    def replace_interface(self) -> None:
        with self.noted(self.disturbed, 2.0):
            self.lab.fw.run("ip link del fw0")
            time.sleep(self.random.uniform(0.2, 1.0))
            self.lab.fw.run(f"ip link add fw0 type veth peer name peer0 netns {self.lab.peer.name}")
            self._addresses()

    def _addresses(self) -> None:
        lab = self.lab
        for namespace, link, four, six in ((lab.fw, "fw0", FW, lab.FW6), (lab.peer, "peer0", PEER, lab.PEER6)):
            namespace.run(f"ip link set {link} up; ip addr replace {four}/24 dev {link}")
            namespace.run(f"ip addr replace {six}/64 dev {link} nodad")
        lab.peer.run("ip route replace default via 10.77.0.1; ip route replace default via fd77::1")

    def change_mtu(self) -> None:
        mtu = self.random.choice([1280, 1500, 9000])
        for namespace, link in ((self.lab.fw, "fw0"), (self.lab.peer, "peer0")):
            namespace.run(f"ip link set {link} mtu {mtu}")

    def fill_disk(self) -> None:
        fillers = [path / "filler" for path in self.mounts]
        for filler in fillers:
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], capture_output=True, check=False)
        time.sleep(self.random.uniform(1.0, 6.0))
        if self.random.random() < 0.5:
            answer = self.firewall.ask("reload")
            assert answer["ok"] is True or "No space left" in str(answer["error"]), answer
        for filler in fillers:
            filler.unlink()

    def plugin_raises(self) -> None:
        self._send(b"raise")

    def plugin_hangs(self) -> None:
        with self.noted(self.disturbed, 3.0):
            self._send(b"hang")

    def _send(self, word: bytes) -> None:
        code = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), (sys.argv[2], 8100))"
        self.lab.peer.ask(code, word.decode(), FW)

    def set_marks(self) -> None:
        rule = self.random.choice(FOREIGN_MARKS)
        self.lab.fw.run(rule)
        time.sleep(self.random.uniform(1.0, 4.0))
        undo = rule.replace(" -A ", " -D ").replace(" -I INPUT 1 ", " -D INPUT ")
        # whole flushes may have taken the rule meanwhile
        self.lab.fw.run("nft delete table ip others" if rule.startswith("nft") else undo, check=False)

    def flood(self) -> None:
        code = """
            end = time.monotonic() + float(sys.argv[2])
            n = 0
            while time.monotonic() < end:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                for port in range(9100, 9150):
                    s.sendto(b"flood", (sys.argv[1], port)); n += 1
                s.close()
            """
        with self.noted(self.disturbed, 2.0):
            self.lab.peer.ask(code, FW, self.random.uniform(0.5, 3.0), timeout=30)

    # --- checks ---------------------------------------------------------------------------------------------------

    def check_memory(self) -> None:
        self.largest = max(self.largest, *self.firewall.sizes(), 0)

    def attempts(self) -> dict[str, list[tuple[float, float, bool]]]:
        found: dict[str, list[tuple[float, float, bool]]] = {}
        for name in ("peer.log", "fw.log"):
            for line in (self.lab.folder / name).read_text().splitlines():
                if line.endswith("]"):
                    probe, begun, ended, ok = json.loads(line)
                    found.setdefault(probe, []).append((begun, ended, ok))
        return found

    def problems(self) -> list[str]:
        found = []
        for name, attempts in self.attempts().items():
            for begun, ended, ok in attempts if name in FORBIDDEN_NAMES else ():
                if ok and not overlaps((begun, ended), self.open):
                    found.append(f"{name} passed at {self.when(begun)}")
            if name not in FORBIDDEN_NAMES:
                found += self.broken(name, attempts)
            elif name == "ssh":
                found += [
                    f"ssh passed at {self.when(begun)}"
                    for begun, ended, ok in attempts
                    if ok and any(since + 5 < begun and ended < until - 5 for since, until in self.no_ssh)
                ]
        return found

    def broken(self, name: str, attempts: list[tuple[float, float, bool]]) -> list[str]:
        """The times for which a probe stayed broken, without those that a fault explains."""
        excused = self.disturbed + (self.no_ssh if name == "ssh" else [])
        found = []
        since = attempts[0][0]
        for begun, ended, ok in attempts:
            if ok:
                since = ended
            elif (unexplained := duration((since, begun), excused)) > BROKEN:
                found.append(f"{name} broken for {unexplained:.0f} s at {self.when(begun)}")
                since = ended
        return found

    def when(self, moment: float) -> str:
        before = [f"{word} ({moment - at:.1f} s before)" for at, word in self.done if at <= moment][-3:]
        return f"{moment - self.done[0][0] if self.done else 0:.1f} s, after {', '.join(before)}"


def overlaps(span: tuple[float, float], spans: list[tuple[float, float]]) -> bool:
    return any(begin < span[1] and span[0] < end for begin, end in spans)


def duration(span: tuple[float, float], without: list[tuple[float, float]]) -> float:
    """Seconds of a span that lie in none of the others."""
    total, at = 0.0, span[0]
    for begin, end in sorted(without):
        total += max(0.0, min(begin, span[1]) - at)
        at = max(at, end)
    return total + max(0.0, span[1] - at)


@pytest.fixture
def murphy(lab: Any, until: Any) -> Iterator[Murphy]:
    made = Murphy(lab, until)
    try:
        yield made
    finally:
        for firewall in lab.firewalls:
            if firewall.process.poll() is None:
                firewall.send(signal.SIGCONT)
        for path in made.mounts:
            subprocess.run(["umount", "--lazy", path], check=False)


FAULTS = {name: getattr(Murphy, name) for name in vars(Murphy) if not name.startswith("_")}
FAULTS = {
    name: fault
    for name, fault in FAULTS.items()
    if name not in {"begin", "policy", "start", "noted", "check_memory", "attempts", "problems", "broken", "when"}
}


@pytest.mark.slow
def test_murphy(murphy: Murphy) -> None:
    murphy.begin()
    time.sleep(5)
    base = max(murphy.firewall.sizes())
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        name = murphy.random.choice(sorted(FAULTS))
        murphy.done.append((time.monotonic(), name))
        FAULTS[name](murphy)
        time.sleep(murphy.random.uniform(0.5, 6.0))
        murphy.check_memory()
        assert murphy.firewall.process.poll() is None, murphy.firewall.log()[-3000:]
    time.sleep(BROKEN + 5)
    problems = murphy.problems()
    attempts = murphy.attempts()
    print(f"seed {SEED}, {SECONDS:.0f} s: {len(murphy.done)} faults: {dict(Counter(name for _, name in murphy.done))}")
    print({name: f"{sum(ok for *_, ok in tries)} of {len(tries)}" for name, tries in attempts.items()})
    print(f"memory of a worker: {base >> 20} MiB at first, {murphy.largest >> 20} MiB at most")
    workers = murphy.firewall.workers()
    assert murphy.firewall.stop(timeout=STOPPED) == 0
    assert "PYWALL" not in murphy.lab.fw.ruleset()
    assert "inet pywall" not in murphy.lab.fw.ruleset()
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert not problems, "\n".join([f"seed {SEED}", *problems])
    assert murphy.largest - base <= MEMORY
