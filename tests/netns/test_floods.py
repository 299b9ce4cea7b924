"""Floods from many sources: memory stays bounded, and the service is back soon after."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

SOURCES = 100_000
#: bytes that the packet process may take over its idle size
MEMORY = 256 << 20
BACK_SECONDS = 10.0
POLICY = """
    version: 1
    queue: {number: 3}
    plugins: [rules, stream, protocols]
    chains:
      INPUT:
        - {rule: app, is: tls, action: DROP}
    default: ACCEPT
    """


def resident(pids: list[int]) -> int:
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["syn", "ack", "udp", "fragment"])
def test_a_flood_is_survived(lab: Any, until: Any, kind: str) -> None:
    if not Path("/dev/net/tun").exists():
        pytest.skip("needs /dev/net/tun")
    lab.peer.run("sysctl -qw net.ipv4.ip_forward=1")
    lab.fw.run(f"ip route add 100.64.0.0/10 via {lab.PEER}")
    lab.fw.echo_server(8080)
    firewall = lab.run(POLICY)
    assert lab.peer.echo(lab.FW, 8080) == "ok"
    workers = firewall.workers()
    idle = resident(workers)
    queued = lab.fw.queued()[3]
    script = Path(__file__).with_name("flood.py")
    flood = lab.peer.start(sys.executable, str(script), kind, str(SOURCES), lab.FW, "8080")
    assert flood.wait(180) == 0
    end = time.monotonic()
    until(lambda: lab.peer.echo(lab.FW, 8080) == "ok", BACK_SECONDS, "service after the flood")
    print(f"{kind}: back after {time.monotonic() - end:.1f} s, {(resident(workers) - idle) / 2**20:.0f} MiB more")
    assert firewall.workers() == workers
    if kind != "fragment":  # the kernel puts fragments together before the queue
        assert lab.fw.queued()[3] - queued > SOURCES / 10
    assert resident(workers) - idle <= MEMORY
