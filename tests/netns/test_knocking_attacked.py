"""Port knocking under attack: scans, spoofed floods; and that nobody who knocks gets an answer."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from pywall_core.api import SYN
from pywall_core.testing import tcp_packet

POLICY = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: knock, port: 2222, doors: [7000/tcp, 7010/tcp, 7005/tcp], window: 60, grant: 5, action: ACCEPT}
        - {rule: protocol, is: icmpv6, action: ACCEPT}
    default: {INPUT: DROP}
    """
DOORS = (7000, 7010, 7005)


def syn(lab: Any, source: str, sport: int, port: int) -> bytes:
    return tcp_packet(source, sport, lab.FW, port, seq=sport, flags=SYN)


def knock(lab: Any, *ports: int) -> None:
    lab.send_frames([syn(lab, lab.PEER, 3000 + n, port) for n, port in enumerate(ports)])


def test_knock_scan(lab: Any) -> None:
    """Scans up and down over the doors never open the port."""
    lab.fw.echo_server(2222)
    lab.run(POLICY)
    scan = [*range(6990, 7020), *range(7019, 6989, -1)]
    for _ in range(3):
        knock(lab, *scan)
        assert lab.peer.echo(lab.FW, 2222, timeout=0.4) == "TimeoutError"


def test_knock_is_silent(lab: Any) -> None:
    """Right doors, wrong doors, the closed port, by TCP and UDP: not one packet comes back."""
    lab.fw.echo_server(2222)
    lab.run(POLICY)
    lab.peer.run(f"ping -c1 -W2 {lab.FW}", check=False)  # ARP is known from here on
    capture = lab.peer.start(
        *("tcpdump", "-i", "peer0", "-n", "-p", "-Q", "in", f"ip and src host {lab.FW}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert "listening" in capture.stderr.readline() + capture.stderr.readline()
    knock(lab, *DOORS[:2], 1, 22, 2222, *DOORS[1:], 65535)
    lab.peer.ask(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for port in (7000, 2222, 1):
            s.sendto(b"x", (sys.argv[1], port))
        """,
        lab.FW,
    )
    time.sleep(1)
    capture.terminate()
    assert capture.communicate(timeout=10)[0].strip() == ""


@pytest.mark.slow
def test_knock_memory(lab: Any, until: Any) -> None:
    """100,000 spoofed sources knock at the first door: memory is bounded, a real knock works amid it."""
    lab.fw.echo_server(2222)
    firewall = lab.run(POLICY.replace("number: 7", "number: 7, length: 20000"))
    lab.fw.run(f"ip route add 100.64.0.0/10 via {lab.PEER}")
    idle = firewall.resident()
    sources = [f"100.{64 + (n >> 16)}.{n >> 8 & 255}.{n & 255}" for n in range(100_000)]
    packets = [syn(lab, source, 1024 + n % 60_000, DOORS[0]) for n, source in enumerate(sources)]
    lab.send_frames(packets[:50_000], rate=5000)
    knock(lab, *DOORS[:2])
    lab.send_frames(packets[50_000:], rate=5000)
    until(lambda: firewall.ask("status")["queues"]["7"]["waiting"] == 0, 60, "the flood has its verdicts")
    grown = firewall.resident() - idle
    print(f"{grown >> 20} MiB for 100,000 sources, {firewall.ask('stats')['stats']['packets']} packets decided")
    assert grown < 64 << 20
    knock(lab, DOORS[2])
    assert lab.peer.echo(lab.FW, 2222) == "ok"
