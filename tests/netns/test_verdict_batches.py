"""Batches of verdicts and the real kernel: mixed ones, and one for a packet that is not there any more."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.netns

SCRIPT = """
import os, socket, subprocess, time
from types import SimpleNamespace
from pywall_core.model.verdict import ACCEPT, DROP, Verdict
from pywall_core.sources import nfqueue
from pywall_core.sources.verdict_batch import NF_ACCEPT

for command in ("ip link set lo up", "iptables -A INPUT -p udp --dport 7000 -j NFQUEUE --queue-num 7"):
    subprocess.run(command.split(), check=True)
wake, _ = os.pipe()
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 7000))
receiver.settimeout(5)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

def process(packet):
    source._verdicts.add(4_000_000_000, NF_ACCEPT, time.monotonic())  # the kernel answers ENOENT
    number = packet.payload[0]
    if number == 2:
        raise ValueError("in the middle of a batch")
    return Verdict(DROP if number % 2 else ACCEPT)

def pulse(now, idle):
    if idle:
        raise nfqueue.Stop

engine = SimpleNamespace(
    process=process,
    offloadable=lambda *_: 0,
    wants_interfaces=False,
    helpers=SimpleNamespace(descriptors=tuple, may_hold=False),
)
source = nfqueue.NFQueue(nfqueue.QueueOptions(7, pass_failures=True), engine, pulse)
for number in range(100):
    sender.sendto(bytes([number]), ("127.0.0.1", 7000))
source.run(wake)
source.run(wake)  # nothing is left to judge, and nothing of what was sent hurts
print([receiver.recv(1)[0] for _ in range(50)], source.failures, source._verdicts.unsent)
receiver.setblocking(False)
try:
    print("too many", receiver.recv(1))
except BlockingIOError:
    pass
source.close()
"""


def test_every_packet_gets_its_own_verdict_though_others_are_gone() -> None:
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == f"{list(range(0, 100, 2))} 1 0", done.stderr
