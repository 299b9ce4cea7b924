"""A worker that is slow or stopped: what the queue's overflow does, and that losses are told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .conftest import patience

POLICY = """
    version: 1
    queue: {number: 7, length: 64, offload: false}
    failure: {queue_full: %s}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: port, protocol: udp, dst: 8001, action: DROP}
    default: ACCEPT
    """
FLOOD = """
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end = time.monotonic() + float(sys.argv[3])
    while time.monotonic() < end:
        for n in range(50):
            s.sendto(b"x" * 100, (sys.argv[1], int(sys.argv[2])))
        time.sleep(0.002)
    """
Until = Callable[..., None]


def test_queue_stop3s_closed(lab: Any, until: Until) -> None:
    """Stopped for 3 s under load, fail-closed: nothing forbidden gets through, service returns, losses are logged."""
    firewall = lab.run(POLICY % "drop")
    sink = lab.fw.python(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 8001)); s.settimeout(9)
        print("ready", flush=True)
        try:
            s.recv(100); print("leak")
        except TimeoutError:
            print("closed")
        """
    )
    assert sink.stdout.readline() == "ready\n"
    lab.fw.echo_server(8000)
    (worker,) = firewall.workers()
    lab.peer.python(FLOOD, lab.FW, 8001, 4)
    time.sleep(0.3)
    os.kill(worker, signal.SIGSTOP)
    stopped = time.monotonic()
    assert lab.peer.echo(lab.FW, 8000, timeout=0.5) == "TimeoutError"
    time.sleep(max(0, stopped + 3 - time.monotonic()))
    os.kill(worker, signal.SIGCONT)
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=1) == "ok", 5, "service")
    assert firewall.workers() == [worker]
    until(lambda: "packets lost before a verdict" in firewall.log(), 10, "log line")
    assert sum(firewall.ask("status")["queues"]["lost"].values()) > 100
    assert sink.communicate(timeout=15)[0].strip() == "closed"


def test_queue_stop3s_open(lab: Any, until: Until) -> None:
    """The same, fail-open: once the queue is full, traffic flows."""
    firewall = lab.run(POLICY % "accept")
    lab.fw.echo_server(8000)
    (worker,) = firewall.workers()
    os.kill(worker, signal.SIGSTOP)
    lab.peer.ask(FLOOD, lab.FW, 8001, 0.3)
    assert lab.peer.echo(lab.FW, 8000, timeout=1) == "ok"
    os.kill(worker, signal.SIGCONT)
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=1) == "ok", 5, "service")


def test_queue_flood_does_not_look_like_a_hang(lab: Any, until: Until) -> None:
    """A worker that never idles still gives signs of life, and answers."""
    firewall = lab.run(POLICY % "drop")
    lab.fw.echo_server(8000)
    (worker,) = firewall.workers()
    floods = [lab.peer.python(FLOOD, lab.FW, 8001, 6) for _ in range(2)]
    time.sleep(5)
    assert firewall.ask("stats")["stats"]["packets"] > 1000
    for flood in floods:
        flood.wait(patience(10))
    assert firewall.workers() == [worker]
    until(lambda: lab.peer.echo(lab.FW, 8000, timeout=1) == "ok", 5, "service")


def test_queue_idle_costs_nothing(lab: Any) -> None:
    """At most 2 % of a core for all processes together, iptables run by the way included."""
    firewall = lab.run(POLICY % "drop")
    time.sleep(2)
    before, begun = cpu_seconds(firewall), time.monotonic()
    time.sleep(5)
    assert cpu_seconds(firewall) - before < 0.02 * (time.monotonic() - begun)


def cpu_seconds(firewall: Any) -> float:
    ticks = 0
    for pid in [firewall.pid, *firewall.workers()]:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])  # own time and that of children, user and system
    return ticks / os.sysconf("SC_CLK_TCK")
