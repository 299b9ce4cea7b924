"""What metrics and events cost a running firewall: processor time a judged packet, with and without, in one run.

``make bench`` prints the ratio; it needs root.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

PYWALL = [sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())"]
POLICY = """\
version: 1
queue: {offload: false, length: 8192}
plugins: [rules, stream, PLUGINS]
chains:
  INPUT:
    - {rule: port, protocol: udp, dst: 1-6999, action: DROP}
default: ACCEPT
"""
#: each connection is a transfer of 256 KiB, some 300 packets; an event costs about as much as two packets
SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 8000))
print("ready", flush=True)
while True:
    with s.accept()[0] as c:
        c.recv(100)
        c.sendall(bytes(262144))
"""
CLIENT = """
import socket
for n in range(100):
    with socket.create_connection(("ADDRESS", 8000)) as c:
        c.sendall(b"please")
        while c.recv(65536):
            pass
"""
SCRAPE = """
import time, urllib.request
while True:
    time.sleep(1)
    try:
        urllib.request.urlopen("http://127.0.0.1:9783/metrics", timeout=5).read()
    except OSError:
        pass
"""


def seconds_a_packet(lab: Any, folder: Path, observed: bool) -> float:
    """The worker's own processor time, threads included, divided by the packets that it judged meanwhile."""
    policy = folder / "pywall.yaml"
    text = POLICY.replace("PLUGINS", "metrics" if observed else "")
    policy.write_text(text + (f"events: {{file: {folder / 'eve.json'}}}\n" if observed else ""))
    policy.chmod(0o600)
    log = folder / "log"
    with log.open("w") as err:
        firewall = lab.start("server", *PYWALL, "run", "--config", str(policy), stderr=err)
    deadline = time.monotonic() + 20
    while "running:" not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    scraper = lab.start("server", sys.executable, "-c", SCRAPE)
    (worker,) = Path(f"/proc/{firewall.pid}/task/{firewall.pid}/children").read_text().split()
    before, packets = processor(worker), judged(lab)
    lab.run("client", sys.executable, "-c", CLIENT.replace("ADDRESS", lab.server4), timeout=120)
    time.sleep(0.5)
    cost = (processor(worker) - before) / (judged(lab) - packets)
    scraper.terminate()
    firewall.send_signal(signal.SIGTERM)
    firewall.wait(15)
    return cost


def processor(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judged(lab: Any) -> int:
    return int(json.loads(lab.run("server", *PYWALL, "stats", "--json"))["stats"]["packets"])


@pytest.mark.netns
def bench_metrics_and_file_events(netns_lab: Callable[..., Any], tmp_path: Path) -> None:
    lab = netns_lab()
    server = lab.start("server", sys.executable, "-c", SERVER, stdout=subprocess.PIPE)
    assert server.stdout.readline()
    ratios = []
    for _ in range(4):
        without = seconds_a_packet(lab, tmp_path, observed=False)
        ratios.append(seconds_a_packet(lab, tmp_path, observed=True) / without)
    print("\nprocessor time a packet, with metrics and events beside without (goal: at most 1.05):", end=" ")
    print(f"{median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
