"""What the running firewall tells: status, flows, stats; losses of every cause; outputs that are full or blocked."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Until = Callable[..., None]
PYWALL = (sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())")

POLICY = """\
version: 1
queue: {number: 7}
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: port, protocol: udp, dst: 7000, action: DROP}
    - {rule: app, is: [ssh, tls], action: ACCEPT, comment: what we serve}
    - {rule: log, message: not ours}
default: {INPUT: DROP, OUTPUT: ACCEPT}
events: {EVENTS}
"""
SEND = """
for port in sys.argv[2:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for n in range(50):
        s.sendto(b"x" * 50, (sys.argv[1], int(port)))
"""
#: UDP datagrams whose headers lie: a length beyond the packet's end; sent by a raw socket
LIES = """
import struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
for n in range(int(sys.argv[2])):
    s.sendto(struct.pack("!HHHH", 1, 7300, 4, 0) + b"x" * 8, (sys.argv[1], 0))
"""
HALF_AN_SSH_SESSION = """
s = socket.create_server(("0.0.0.0", 8022))
print("ready", flush=True)
c = s.accept()[0]
c.sendall(b"SSH-2.0-test\\r\\n")
time.sleep(60)
"""


def policy(events: str = "stats: 1") -> str:
    return POLICY.replace("EVENTS", events)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []


def told(firewall: Any, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as an administrator reads it."""
    return subprocess.run(firewall.namespace.command(*PYWALL, *words), capture_output=True, text=True, timeout=60)


def test_status_stats_and_flows(lab: Any, until: Until) -> None:
    firewall = lab.run(policy())
    server = lab.fw.python(HALF_AN_SSH_SESSION)
    assert server.stdout.readline() == "ready\n"
    lab.peer.python("s = socket.create_connection((sys.argv[1], 8022)); s.recv(99); time.sleep(60)", lab.FW)
    lab.peer.ask(SEND, lab.FW, 7000, 7001)
    until(lambda: firewall.ask("flows", "--filter", "tcp")["flows"], what="the SSH connection")

    status = firewall.ask("status")
    assert 1 <= status["generation"] <= 255
    assert status["mode"] == "enforce"
    assert status["policy"].endswith("pywall.yaml")
    assert status["uptime"] > 0
    assert status["verdicts"]["drop"] == 100
    assert status["flows"]["by_state"]["established"] == 1
    assert status["queues"]["7"]["packets"] >= 100
    assert status["losses"] == {}
    assert status["quarantined"] == []
    text = told(firewall, "status").stdout
    assert f"generation {status['generation']}" in text
    assert "100 drop" in text

    stats = firewall.ask("stats")["stats"]
    decided = {(d["chain"], d["rule"], d["action"]): d["packets"] for d in stats["decisions"]}
    assert decided["INPUT", "INPUT[0]", "drop"] == 50
    assert decided["INPUT", "default", "drop"] == 50
    assert sum(decided.values()) == stats["packets"]
    assert stats["rules"]["INPUT[0]"] >= 1
    assert stats["flows"]["by_proto"] == {"UDP": 2, "TCP": 1}
    assert stats["latency"]["sampled"] == stats["packets"] // 64
    text = told(firewall, "stats").stdout
    assert "port protocol=udp dst=7000" in text

    flows = firewall.ask("flows", "--sort", "packets")["flows"]
    assert [f["pkts_toserver"] + f["pkts_toclient"] for f in flows] == sorted(
        (f["pkts_toserver"] + f["pkts_toclient"] for f in flows), reverse=True
    )
    assert len(flows) == 3
    assert len(firewall.ask("flows", "--limit", "1")["flows"]) == 1
    (udp,) = firewall.ask("flows", "--filter", "udp and dst port 7000")["flows"]
    assert (udp["verdict"], udp["final"], udp["rule"]) == ("drop", True, "INPUT[0]")
    assert str(udp["flow_id"]) in told(firewall, "flows").stdout

    lab.peer.ask(SEND.replace("range(50)", "range(1)"), lab.FW, *range(7400, 7600))
    assert firewall.ask("stats")["stats"]["seconds"]["chains"] > 0, "one new flow in 64 is under the clock"
    assert "\nchains " in told(firewall, "stats").stdout


def test_the_walk_of_a_live_flow(lab: Any, until: Until) -> None:
    """A connection of which only the server has spoken: pending, with the line that would decide, and untouched."""
    firewall = lab.run(policy())
    server = lab.fw.python(HALF_AN_SSH_SESSION)
    assert server.stdout.readline() == "ready\n"
    lab.peer.python("s = socket.create_connection((sys.argv[1], 8022)); s.recv(99); time.sleep(60)", lab.FW)
    until(lambda: [f for f in firewall.ask("flows")["flows"] if f["pkts_toserver"] >= 3], what="the banner")
    (flow,) = firewall.ask("flows")["flows"]
    hits = firewall.ask("stats")["stats"]["rules"]
    shown = firewall.ask("flows", "show", str(flow["flow_id"]))["flow"]
    there = shown["directions"][0]
    assert (there["hook"], there["verdict"], there["final"]) == ("INPUT", "accept", False)
    assert [(step["rule"], step["answer"], step["where"].rsplit(":", 1)[1]) for step in there["walk"]] == [
        ("INPUT[0]", "NO", "6"),
        ("INPUT[1]", "PENDING", "7"),
        ("INPUT[2]", "PENDING", "8"),
        ("default", "END", "9"),
    ]
    assert there["walk"][-1]["outcomes"] == ["ACCEPT", "DROP"]
    assert "ssh" in shown["detectors_pending"]
    text = told(firewall, "flows", "show", str(flow["flow_id"])).stdout
    assert re.search(r"PENDING INPUT\[1\] \S.*: ACCEPT \(", text)
    assert firewall.ask("stats")["stats"]["rules"] == hits, "looking changes nothing"
    assert firewall.ask("flows", "show", "1") == {"ok": False, "error": "no such flow"}
    assert told(firewall, "flows", "--filter", "port x").returncode == 2
    assert told(firewall, "flows", "show").returncode == 2


def test_watch_shows_again_and_again(lab: Any, until: Until) -> None:
    firewall = lab.run(policy())
    watching = lab.fw.start(
        *PYWALL, "stats", "--watch", "0.2", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    first = watching.stdout.readline()
    lab.peer.ask(SEND, lab.FW, 7000)
    text = first
    deadline = time.monotonic() + 20
    while '"packets": 50' not in text and time.monotonic() < deadline:
        text += watching.stdout.readline()
    assert '"packets": 0,' in text
    assert '"packets": 50' in text
    assert firewall.stop() == 0
    assert "does not run" in watching.communicate(timeout=20)[0], "ends when the firewall has ended"
    assert watching.returncode == 1


def test_packets_that_do_not_decode_are_told(lab: Any, until: Until) -> None:
    """By reason in status, in a stats event, and in the log at a bounded rate."""
    path = lab.folder / "eve.json"
    firewall = lab.run(policy(f"file: {path}, stats: 1"))
    begun = time.monotonic()
    for _ in range(3):
        lab.peer.ask(LIES, lab.FW, 100)
        time.sleep(1.1)
    losses = firewall.ask("status")["losses"]
    (cause,) = losses
    assert cause.startswith("decoder.udp")
    assert losses[cause] == 300
    assert f"300 {cause}" in told(firewall, "status").stdout
    until(lambda: [e for e in lines_of(path) if e.get("stats", {}).get("losses") == losses], what="stats event")
    lines = [line for line in firewall.log().splitlines() if "instead of the rules" in line]
    assert 1 <= len(lines) <= 1 + (time.monotonic() - begun) / 10
    assert cause in lines[0]


def test_fail_open_passes_are_inferred(lab: Any, until: Until) -> None:
    """A stopped worker with a small queue that fails open: what passed without a verdict is known to within a look."""
    fail_open = policy().replace("{number: 7}", "{number: 7, length: 32, offload: false}")
    firewall = lab.run(fail_open + "failure: {queue_full: accept}\n")
    counting = lab.fw.python(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 7000))
        print("ready", flush=True)
        s.settimeout(6); n = 0
        try:
            while s.recv(100): n += 1
        except TimeoutError:
            print(n)
        """
    )
    assert counting.stdout.readline() == "ready\n"
    (worker,) = firewall.workers()
    os.kill(worker, signal.SIGSTOP)
    lab.peer.ask(SEND, lab.FW, *[7000] * 4)
    os.kill(worker, signal.SIGCONT)
    passed = int(counting.communicate(timeout=20)[0])
    assert passed == 200 - 32, "the kernel let them through"
    until(
        lambda: firewall.ask("status")["losses"].get("queue.passed_without_verdict", 0) == passed,
        10,
        "passes in status",
    )
    assert firewall.ask("stats")["stats"]["queue"]["passed"] == passed
    assert f"{passed} (passed without a verdict, failing open)" in firewall.log()
    lab.peer.ask(SEND.replace("range(50):", "range(30):\n        time.sleep(0.02)"), lab.FW, 7000)
    time.sleep(4.5)
    assert firewall.ask("status")["losses"]["queue.passed_without_verdict"] == passed, (
        "what has a verdict is not taken for passed"
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "pywall-test", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_costs_events_and_no_packet(lab: Any, small_disk: Path, until: Until) -> None:
    """The disk fills up, verdicts go on; room is made, events go on."""
    path = small_disk / "eve.json"
    firewall = lab.run(policy(f"file: {path}, stats: 1"))
    lab.fw.echo_server(8000)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 1024) == 1024 and os.statvfs(small_disk).f_bavail > 1:
            pass
    for _ in range(3):
        lab.peer.ask(SEND, lab.FW, *range(7000, 7060))
    until(lambda: firewall.ask("status")["losses"].get("events.lost", 0) > 0, 15, "lost events")
    assert firewall.ask("status")["verdicts"]["drop"] == 3 * 60 * 50, "every packet had its verdict"
    assert "No space left on device" in firewall.log()
    filler.unlink()
    size = path.stat().st_size
    until(lambda: path.stat().st_size > size, 15, "events again")
    until(lambda: "events.lost" in lines_of(path)[-1].get("stats", {}).get("losses", {}), 10, "losses in stats")


def test_blocked_pipe_costs_events_and_no_packet(lab: Any, until: Until) -> None:
    """A reader that holds its pipe and does not read."""
    path = lab.folder / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        firewall = lab.run(policy(f"file: {path}, stats: 1") + "table: {flows: 200}\n")
        deadline = time.monotonic() + 25
        while "events.lost" not in firewall.ask("status")["losses"] and time.monotonic() < deadline:
            lab.peer.ask(SEND.replace("range(50)", "range(1)"), lab.FW, *range(20000, 24000))
        status = firewall.ask("status")
        assert status["losses"]["events.lost"] > 0
        assert status["packets"] == status["verdicts"]["drop"] + status["verdicts"].get("accept", 0)
        assert firewall.ask("stats")["stats"]["events"]["queued"] >= 8000
        assert firewall.stop(timeout=10) == 0, "nobody waits for the reader"
    finally:
        os.close(reader)
