"""Plugins that raise, exit, recurse, hang or crawl in a running firewall: their packets pay, nobody else's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import patience

#: what the plugin does at a packet to port 8100
FAULTS = {
    "raise": "raise ValueError('told to')",
    "exit": "sys.exit(3)",
    "memory": "raise MemoryError",
    "recursion": "recurse()",
    "slow": "time.sleep(0.02)",
    "hang": "while True: pass",
    "hang_asleep": "time.sleep(3600)",
    "hang_stubborn": "stay()",
    "hang_in_c": "sum(itertools.repeat(1))",
    "killed": "os.kill(os.getpid(), 9)",
}
PLUGIN = """
import itertools, os, sys, time
from pywall_core.api import hookimpl

def recurse():
    recurse()

def stay():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass

@hookimpl
def pywall_packet(packet, flow):
    if packet.dport == 8100:
        {fault}
"""
POLICY = """
    version: 1
    queue: {{number: 7, offload: false}}
    failure: {{plugin_error: {error}}}
    plugins: {plugins}
    chains:
      INPUT:
        - {{rule: port, protocol: tcp, dst: 8001, action: DROP}}
    default: ACCEPT
    """
Until = Callable[..., None]


@pytest.fixture
def start(lab: Any) -> Callable[..., Any]:
    """Start the firewall with a plugin that has a fault, beside servers on 8000, 8001 and 8100."""

    def run(fault: str, *, error: str = "drop-packet", plugins: str = "[saboteur, rules]") -> Any:
        site: Path = lab.folder / "site"
        info = site / "saboteur-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: saboteur\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[pywall.plugins]\nsaboteur = saboteur\n")
        (site / "saboteur.py").write_text(PLUGIN.format(fault=FAULTS.get(fault, fault)))
        for port in (8000, 8001, 8100):
            lab.fw.echo_server(port)
        return lab.run(POLICY.format(error=error, plugins=plugins), PYTHONPATH=str(site))

    return run


def others_are_as_before(lab: Any) -> None:
    assert lab.peer.echo(lab.FW, 8000, times=5) == "ok"
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"


@pytest.mark.parametrize(
    ("fault", "error", "answer"),
    [
        ("raise", "drop-packet", "TimeoutError"),
        ("raise", "pass-packet", "ok"),
        ("exit", "drop-packet", "TimeoutError"),
        ("memory", "drop-packet", "TimeoutError"),
        ("recursion", "pass-packet", "ok"),
    ],
)
def test_plugin_that_raises_costs_its_packets_what_the_switch_says(
    lab: Any, start: Any, fault: str, error: str, answer: str
) -> None:
    firewall = start(fault, error=error)
    workers = firewall.workers()
    assert lab.peer.echo(lab.FW, 8100, timeout=0.7) == answer
    others_are_as_before(lab)
    assert firewall.workers() == workers
    stats = firewall.ask("stats")["stats"]
    assert stats["failures"]["saboteur"]["errors"] >= 1
    assert stats["losses"]["failure.plugin_error"] >= 1
    assert "plugin saboteur: " in firewall.log()
    assert firewall.stop() == 0


def test_plugin_that_fails_at_every_packet_is_a_line_a_second(lab: Any, start: Any) -> None:
    firewall = start("raise")
    begun = time.monotonic()
    lab.peer.ask(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for n in range(2000):
            s.sendto(b"x", (sys.argv[1], 8100))
            time.sleep(0.001)
        """,
        lab.FW,
    )
    stats = firewall.ask("stats")["stats"]
    assert stats["failures"]["saboteur"]["errors"] > 1000
    lines = [line for line in firewall.log().splitlines() if "plugin saboteur" in line]
    assert 2 <= len(lines) <= 2 + time.monotonic() - begun
    assert any("more suppressed" in line for line in lines)


def test_plugin_that_is_slow_delays_its_own_traffic(lab: Any, start: Any) -> None:
    """20 ms a packet on one connection: a connection beside it takes less than half a second."""
    start("slow")
    lab.peer.python(
        """
        s = socket.create_connection((sys.argv[1], 8100), timeout=5)
        while True:
            s.send(b"x"); s.recv(10)
        """,
        lab.FW,
    )
    time.sleep(0.5)
    for _ in range(5):
        begun = time.monotonic()
        assert lab.peer.echo(lab.FW, 8000) == "ok"
        seconds = time.monotonic() - begun - startup(lab)
        assert seconds < patience(0.5)


def startup(lab: Any) -> float:
    """What starting the client costs."""
    begun = time.monotonic()
    lab.peer.ask("print(1)")
    return time.monotonic() - begun


@pytest.mark.parametrize("fault", ["hang", "hang_asleep"])
def test_plugin_that_never_returns_is_interrupted(lab: Any, start: Any, until: Until, fault: str) -> None:
    """The worker goes on, with its flows: the call fails after a second or two."""
    firewall = start(fault)
    workers = firewall.workers()
    victim = lab.peer.python("socket.create_connection((sys.argv[1], 8100), timeout=9)", lab.FW)
    time.sleep(0.5)
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=0.5) == "ok", 5, "other traffic")
    others_are_as_before(lab)
    victim.wait(patience(15))
    assert victim.returncode != 0
    assert firewall.workers() == workers
    assert firewall.ask("stats")["stats"]["failures"]["saboteur"]["errors"] >= 1
    assert firewall.stop(timeout=8) == 0


@pytest.mark.parametrize("fault", ["hang_stubborn", "hang_in_c", "killed"])
def test_plugin_that_cannot_be_interrupted_is_replaced_with_its_worker(
    lab: Any, start: Any, until: Until, fault: str
) -> None:
    firewall = start(fault)
    workers = firewall.workers()
    lab.peer.ask(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(b"x", (sys.argv[1], 8100))
        """,
        lab.FW,
    )
    begun = time.monotonic()
    until(lambda: firewall.workers() not in ([], workers), 5, "a new worker")
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=0.5) == "ok", 10, "other traffic")
    print(f"{fault}: other traffic after {time.monotonic() - begun:.1f} s")
    others_are_as_before(lab)
    assert firewall.stop(timeout=8) == 0
    assert "PYWALL" not in lab.fw.ruleset()


def test_plugin_that_hangs_does_not_hold_up_the_end(lab: Any, start: Any) -> None:
    firewall = start("hang_stubborn")
    lab.peer.ask('s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", (sys.argv[1], 8100))', lab.FW)
    time.sleep(0.3)
    assert firewall.stop(timeout=8) == 0
    assert "PYWALL" not in lab.fw.ruleset()


@pytest.mark.parametrize(
    "fault", ["os.fork()", "import subprocess; subprocess.Popen(['sleep', '600'])", "os.fork() or time.sleep(600)"]
)
def test_plugin_that_starts_processes_leaves_none_behind(lab: Any, start: Any, until: Until, fault: str) -> None:
    """Nor does a second copy of the worker decide packets."""
    firewall = start(fault)
    groups = {str(pid) for pid in firewall.workers()}
    assert lab.peer.echo(lab.FW, 8100, times=5) == "ok"
    others_are_as_before(lab)
    assert firewall.stop() == 0
    until(lambda: not groups & set(lab.fw.run("ps -e -o pgid=").split()), what="the end of all processes")


def test_plugin_that_is_not_named_is_not_imported(lab: Any, start: Any) -> None:
    marker = lab.folder / "imported"
    firewall = start(f"pass\nopen({str(marker)!r}, 'w')", plugins="[rules]")
    assert lab.peer.echo(lab.FW, 8100) == "ok"
    assert firewall.stop() == 0
    assert not marker.exists()


def test_plugin_that_others_may_write_is_refused(lab: Any, start: Any) -> None:
    site = lab.folder / "site"
    firewall = start("raise")
    (site / "saboteur.py").chmod(0o666)
    answer = firewall.ask("reload")
    assert answer["ok"] is False
    assert "saboteur.py is writable by everybody" in answer["error"]
    others_are_as_before(lab)
