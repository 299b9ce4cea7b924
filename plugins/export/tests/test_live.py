"""The real firewall beside a real Redis: every event of its file is in the stream, over a reload and a restart."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
version: 1
queue: {offload: false}
plugins:
  - rules
  - export: {url: "redis://127.0.0.1:6399/0", spool: {folder: SPOOL}}
chains:
  INPUT:
    - {rule: port, protocol: udp, dst: 7000, action: DROP}
events: {file: EVENTS, stats: 1}
"""
SEND = """
import socket
for n in range(100):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", FIRST + n))
        s.sendto(b"?", ("ADDRESS", 7000))
"""
READ = """
import json, redis
try:
    stream = redis.Redis(port=6399).xrange("pywall:events")
except redis.ConnectionError:
    stream = []
print(json.dumps([json.loads(fields[b"event"]) for _, fields in stream]))
"""
PYWALL = [sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())"]


@pytest.mark.netns
def test_every_event_of_the_file_is_in_the_stream(
    netns_lab: Callable[..., Any], tmp_path: Path, until: Callable[..., None]
) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian package redis-server)")
    lab = netns_lab()
    policy, log, file = tmp_path / "pywall.yaml", tmp_path / "log", tmp_path / "eve.json"
    policy.write_text(POLICY.replace("SPOOL", str(tmp_path / "spool")).replace("EVENTS", str(file)))
    policy.chmod(0o600)

    def redis() -> subprocess.Popen[bytes]:
        command = [
            "redis-server",
            "--port",
            "6399",
            "--bind",
            "127.0.0.1",
            "--dir",
            str(tmp_path),
            "--appendonly",
            "yes",
        ]
        process: subprocess.Popen[bytes] = lab.start("server", *command, stdout=subprocess.DEVNULL)
        return process

    def send(first: int) -> None:
        lab.run("client", sys.executable, "-c", SEND.replace("ADDRESS", lab.server4).replace("FIRST", str(first)))

    def written() -> list[dict[str, Any]]:
        return [json.loads(line) for line in file.read_text().splitlines()]

    def drops() -> int:
        return sum(event["event_type"] == "drop" for event in written())

    def in_stream() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = json.loads(lab.run("server", sys.executable, "-c", READ))
        return events

    broker = redis()
    with log.open("w") as output:
        firewall = lab.start("server", *PYWALL, "run", "--config", str(policy), stderr=output)
    until(lambda: "running:" in log.read_text())
    send(20000)
    until(lambda: drops() == 100)
    broker.terminate()
    broker.wait(20)
    send(20100)
    until(lambda: drops() == 200)
    until(lambda: "the broker is away" in log.read_text())
    firewall.send_signal(signal.SIGHUP)
    until(lambda: "reloaded" in log.read_text())
    send(20200)
    until(lambda: drops() == 300)
    broker = redis()
    until(lambda: sum(event["event_type"] == "drop" for event in in_stream()) == 300)
    firewall.send_signal(signal.SIGTERM)
    assert firewall.wait(20) == 0
    sent = in_stream()
    broker.terminate()
    broker.wait(20)
    wanted = {json.dumps(event, sort_keys=True) for event in written()}
    assert wanted == {json.dumps(event, sort_keys=True) for event in sent}
    assert sum(event["event_type"] == "drop" for event in sent) == 300
    assert "Traceback" not in log.read_text()
