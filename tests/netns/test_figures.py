"""Figures that the manual names, measured on the wire: a flooded limit, a million entries, processes of local flows.

The bounds of a loaded machine are wide where they are of time; what is counted has its bound.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

RATE, BURST, SECONDS = 400, 400, 5
LIMITED = f"""\
version: 1
queue: {{number: 181}}
plugins: [rules]
chains:
  INPUT:
    - {{all: [{{rule: port, protocol: udp, dst: 9000}}, {{rule: limit, over: {RATE}/s, of: packets, burst: {BURST}}}],
        action: DROP}}
"""
#: counts datagrams until half a second passes without one: how many, and the time between the first and the last
COUNT = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind(("0.0.0.0", 9000)); print("ready", flush=True)
s.settimeout(30); s.recv(100); first = last = time.monotonic(); count = 1; s.settimeout(2)
try:
    while True:
        s.recv(100); last = time.monotonic(); count += 1
except TimeoutError:
    print(count, last - first, flush=True)
"""
#: eight times the rate, evenly
FLOOD = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((sys.argv[1], 9000))
rate, seconds = float(sys.argv[2]), float(sys.argv[3])
begin = time.monotonic(); sent = 0
while (now := time.monotonic() - begin) < seconds:
    while sent < now * rate:
        s.send(b"x" * 64); sent += 1
    time.sleep(0.002)
"""


@pytest.mark.slow
def test_a_limit_lets_its_rate_pass_under_a_flood(lab: Any) -> None:
    counter = lab.fw.python(COUNT)
    assert counter.stdout.readline() == "ready\n"
    lab.run(LIMITED)
    flood = lab.peer.python(FLOOD, lab.FW, 8 * RATE, SECONDS)
    assert flood.wait(60) == 0
    count, seconds = map(float, counter.stdout.readline().split())
    expected = BURST + RATE * seconds
    print(f"limit: {count:.0f} passed in {seconds:.2f} s, {count / expected:.4f} of the burst and the rate")
    assert abs(count / expected - 1) <= 0.02


ENTRIES = 1_000_000
MILLION = """\
version: 1
queue: {{number: 182}}
plugins: [rules]
sets: {{bad: {{file: {file}}}}}
chains:
  INPUT:
    - {{rule: ip, src: '@bad', action: DROP}}
"""
#: packets of ready-made bytes out of a TUN device, as fast as they go; rounds of them, a line each
PUMP = """
import fcntl, os, struct, subprocess, sys, time
from ipaddress import ip_address
from pywall_core.testing import udp_packet
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"pwpump", 0x1001))
for command in ("link set pwpump up", "route add 100.64.0.0/10 dev pwpump"):
    subprocess.run(["ip", *command.split()], check=True)
first = int(ip_address("100.64.0.1"))
packets = [udp_packet(str(ip_address(first + 7 * n)), 4000, sys.argv[1], 9000, b"x" * 64) for n in range(100_000)]
print("ready", flush=True)
for _ in sys.stdin:
    begin, cpu = time.monotonic(), time.process_time()
    for packet in packets:
        os.write(tun, packet)
    print(time.monotonic() - begin, time.process_time() - cpu, flush=True)
"""


#: changes one by one, each until its answer: the median and the longest, in milliseconds
CHANGE = """
from pywall_core.cli.live import question
times = []
for n in range(1, 41):
    begin = time.monotonic()
    question(**{"command": "set", "op": "add", "set": "bad", "entries": [f"192.0.2.{n}"], "for": 3600})
    times.append(1000 * (time.monotonic() - begin))
print(f"{sorted(times)[20]:.1f} {max(times):.1f}")
"""


def cpu_time(pid: int) -> float:
    """Return the seconds of CPU that a process and the children that it waited for have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def pump(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Return the wall clock and the CPU time of one round, in seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    wall, cpu = map(float, process.stdout.readline().split())
    return wall, cpu


@pytest.mark.slow
def test_a_million_entries(lab: Any, until: Any, tmp_path: Path) -> None:
    from ipaddress import ip_address

    first = int(ip_address("100.64.0.1"))
    file = tmp_path / "bad.txt"
    file.write_text("".join(f"{ip_address(first + n)}\n" for n in range(ENTRIES)))
    file.chmod(0o644)
    lab.peer.run("sysctl -qw net.ipv4.ip_forward=1")
    lab.fw.run(f"ip route add 100.64.0.0/10 via {lab.PEER}")
    source = lab.peer.start(sys.executable, "-c", PUMP, lab.FW, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert source.stdout.readline() == "ready\n"
    lab.fw.python("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 9000)); time.sleep(600)")
    bare = [pump(source) for _ in range(4)][1:]
    begin = time.monotonic()
    firewall = lab.run(MILLION.format(file=file))
    started = time.monotonic() - begin
    spent = [cpu_time(pid) for pid in (firewall.pid, *firewall.workers())]

    def is_full() -> bool:
        return str(ENTRIES) in lab.fw.run("ipset list -t", check=False)

    until(is_full, 120, "the set is in the kernel")
    filled = cpu_time(firewall.pid) - spent[0]
    print(
        f"a million entries: ready after {started:.1f} s (CPU {' and '.join(f'{one:.1f}' for one in spent)} s), in the "
        f"kernel after {time.monotonic() - begin:.1f} s ({filled:.1f} s of CPU)"
    )
    dropped = [pump(source) for _ in range(4)][1:]
    print("a change, until the firewall answers that it took effect:", lab.fw.ask(CHANGE), "ms")
    firewall.stop()
    bare += [pump(source) for _ in range(3)]
    for name, at in (("wall clock", 0), ("CPU", 1)):
        best, worst = min(one[at] for one in bare), min(one[at] for one in dropped)
        print(f"100,000 sources, {name}: {best:.3f} s without a firewall, {worst:.3f} s with: {best / worst:.3f}")


@pytest.mark.slow
def test_processes_of_local_flows(lab: Any, until: Any) -> None:
    events = lab.folder / "eve.json"
    lab.peer.echo_server(8000)
    firewall = lab.run(
        f"version: 1\nqueue: {{number: 183}}\nplugins: [rules, stream, process]\nevents: {{file: {events}}}\n"
        "chains: {OUTPUT: [{rule: process, path: /bin/no-such-program, action: DROP}]}\n"
    )
    count = 300
    talk = f"exec 3<>/dev/tcp/{lab.PEER}/8000; printf x >&3; read -t 2 -n 1 <&3; printf y >&3; read -t 2 -n 1 <&3"
    lab.fw.run(f"for i in $(seq {count}); do bash -c '{talk}'; done", check=False, timeout=180)
    firewall.stop()
    flows = [event for event in map(json.loads, events.read_text().splitlines()) if event["event_type"] == "flow"]
    local = [event for event in flows if event.get("dest_port") == 8000]
    named = [event for event in local if "/bash" in json.dumps(event)]
    print(f"processes: {len(named)} of {len(local)} flows named")
    assert len(local) >= count
    assert len(named) >= 0.99 * len(local)
