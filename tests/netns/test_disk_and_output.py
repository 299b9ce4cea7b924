"""Events that cannot be written: full disk, no folder, a pipe nobody reads, a closed terminal. Filtering goes on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import patience

POLICY = """
    version: 1
    queue: {number: 7, offload: false}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: port, protocol: udp, dst: 8001, action: DROP}
        - {rule: log, each: packet}
    default: ACCEPT
    events: {file: %s, stats: 0}
    """
FLOOD = """
    end = time.monotonic() + float(sys.argv[2])
    n = 0
    while time.monotonic() < end:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(b"x", (sys.argv[1], 8001)); s.sendto(b"x", (sys.argv[1], 8002)); s.close()
        time.sleep(0.001)
    """
Until = Callable[..., None]


def holds(lab: Any) -> None:
    assert lab.peer.echo(lab.FW, 8000, times=3) == "ok"
    assert lab.peer.echo(lab.FW, 8001, timeout=0.7) == "TimeoutError"


@pytest.fixture
def servers(lab: Any) -> None:
    for port in (8000, 8001):
        lab.fw.echo_server(port)


@pytest.fixture
def small_disk(lab: Any) -> Any:
    disk: Path = lab.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_disk_full(lab: Any, servers: None, small_disk: Path, until: Until) -> None:
    """The policy holds, losses are counted and logged, and writing resumes when there is room."""
    events = small_disk / "eve.json"
    firewall = lab.run(POLICY % events)
    workers = firewall.workers()
    lab.peer.ask(FLOOD, lab.FW, 3)
    holds(lab)
    until(lambda: "No space left on device" in firewall.log(), 10, "the full disk is said")
    assert firewall.ask("stats")["stats"]["events"]["lost"] > 0
    events.write_bytes(b"")

    def resumed() -> bool:
        holds(lab)
        lines = events.read_text().splitlines()
        return bool(lines) and all(json.loads(line)["event_type"] for line in lines if line)

    until(resumed, 15, "events are written again")
    assert firewall.workers() == workers
    assert firewall.log().count("No space left") <= 10
    assert firewall.stop() == 0
    assert "Traceback" not in firewall.log()


@pytest.mark.parametrize("where", ["missing/folder/eve.json", "file/eve.json", "a-folder"])
def test_disk_no_dir(lab: Any, servers: None, where: str) -> None:
    (lab.folder / "file").write_text("")
    (lab.folder / "a-folder").mkdir()
    firewall = lab.run(POLICY % (lab.folder / where))
    holds(lab)
    assert str(lab.folder / where) in firewall.log()
    assert firewall.stop() == 0
    assert "Traceback" not in firewall.log()


@pytest.mark.parametrize("reader", ["stuck", "gone"])
def test_disk_standard_output_that_nobody_reads(lab: Any, servers: None, reader: str, until: Until) -> None:
    """A full pipe or a closed one, for events and for the log alike, holds no verdict up."""
    read, write = os.pipe()
    policy = lab.write((POLICY % "/dev/null").replace("stats: 0", "stdout: true, stats: 0"))
    argv = ("-c", "from pywall_core.cli import main; raise SystemExit(main())", "run", "--config", str(policy))
    firewall = lab.fw.start(sys.executable, *argv, stdin=subprocess.DEVNULL, stdout=write, stderr=write)
    os.close(write)
    os.set_blocking(read, False)
    seen = b""

    def running() -> bool:
        nonlocal seen
        with contextlib.suppress(BlockingIOError):
            seen += os.read(read, 65536)
        return b"pywall: running" in seen

    until(running, 30, "start")
    if reader == "gone":
        os.close(read)
    try:
        lab.peer.ask(FLOOD, lab.FW, 3)
        for _ in range(2):
            holds(lab)
        assert firewall.poll() is None
        firewall.terminate()
        assert firewall.wait(patience(8)) == 0
        assert "PYWALL" not in lab.fw.ruleset()
    finally:
        if reader == "stuck":
            os.close(read)


def test_disk_a_flood_of_drops_is_bounded_lines(lab: Any, servers: None) -> None:
    """At most 1,000 lines a second, events and log together."""
    events = lab.folder / "eve.json"
    firewall = lab.run(POLICY % events)
    lab.peer.ask(FLOOD, lab.FW, 4)
    assert firewall.stop() == 0
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    by_second: dict[str, int] = {}
    for line in lines:
        if line["event_type"] in ("drop", "anomaly", "alert"):
            by_second[line["timestamp"][:19]] = by_second.get(line["timestamp"][:19], 0) + 1
    assert max(by_second.values()) <= 1000
    assert len(firewall.log().splitlines()) < 50
