"""Events of the real firewall in a namespace: written to a file, moved away by logrotate, opened anew on SIGUSR1."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """\
version: 1
plugins: [rules]
chains:
  INPUT:
    - {{rule: port, protocol: udp, dst: 7000, action: DROP}}
events: {{file: {file}}}
"""
#: a datagram to each of two closed ports
ASK = """
import socket
for port in (7000, 7001):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"?", ("{address}", port))
"""


def until(what: Callable[[], Any], seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.netns
def test_events_file_of_the_running_firewall_and_its_rotation(netns_lab: Callable[..., Any], tmp_path: Path) -> None:
    lab = netns_lab()
    path, policy = tmp_path / "eve.json", tmp_path / "pywall.yaml"
    policy.write_text(POLICY.format(file=path))
    policy.chmod(0o600)
    run = [
        sys.executable,
        "-c",
        "from pywall_core.cli import main; raise SystemExit(main())",
        "run",
        "--config",
        str(policy),
    ]
    firewall = lab.start("server", *run)
    until(lambda: firewall.poll() is not None or "NFQUEUE" in lab.run("server", "iptables-save", check=False))
    assert firewall.poll() is None
    ask = [sys.executable, "-c", ASK.format(address=lab.server4)]
    lab.run("client", *ask)
    dropped = until(lambda: [event for event in events(path) if event["event_type"] == "drop"])
    assert (dropped[0]["dest_port"], dropped[0]["verdict"]["action"]) == (7000, "drop")

    path.rename(tmp_path / "eve.json.1")
    firewall.send_signal(signal.SIGUSR1)
    until(path.exists)
    lab.run("client", *ask)
    until(lambda: [event for event in events(path) if event["event_type"] == "drop"])
    firewall.send_signal(signal.SIGTERM)
    assert firewall.wait(15) == 0
    flows = [event for event in events(path) if event["event_type"] == "flow" and event.get("dest_port") == 7000]
    assert len(flows) == 2, "both flows ended with the firewall"
    assert all(event["verdict"]["action"] == "drop" and event["app_proto"] == "unknown" for event in flows)
