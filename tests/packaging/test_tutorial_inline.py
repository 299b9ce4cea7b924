"""The tutorial's plugin and policy on real traffic, installed from wheels: ``pywall run`` between two namespaces."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-detector.md"
MODULE = "src/pywall_thermometer/__init__.py"
SERVER = """
import socket, sys
listening = socket.create_server(("", int(sys.argv[1])))
print("ready", flush=True)
while True:
    connection, _ = listening.accept()
    connection.settimeout(5)
    try:
        while connection.recv(100):
            connection.sendall(sys.argv[2].encode() + b"\\n")
    except OSError:
        pass
"""
CLIENT = """
import socket, sys
said = 0
try:
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1.5)
    for _ in range(3):
        connection.sendall(sys.argv[3].encode() + b"\\n")
        said += bool(connection.recv(100))
except OSError:
    pass
print(said)
"""


@pytest.fixture
def policy(environment: Any, page_files: Callable[[Path], dict[str, str]], tmp_path: Path) -> Iterator[Path]:
    """The tutorial's policy; its detector is installed."""
    files = page_files(TUTORIAL)
    environment.run("pywall", "plugins", "new", "thermometer", "--dir", tmp_path)
    (tmp_path / "pywall-thermometer" / MODULE).write_text(files[MODULE])
    environment.install(tmp_path / "pywall-thermometer")
    path = tmp_path / "policy.yaml"
    path.write_text(files["policy.yaml"] + f"events: {{file: {tmp_path / 'eve.json'}}}\n")
    yield path
    environment.pip("uninstall", "-y", "pywall-thermometer")


@pytest.mark.netns
def test_thermometers_are_dropped_and_others_answered(
    netns_lab: Callable[..., Any], environment: Any, policy: Path, tmp_path: Path
) -> None:
    lab = netns_lab()
    log = (tmp_path / "log").open("w+")
    pywall = environment.folder / "bin" / "pywall"
    firewall = lab.start("server", str(pywall), "run", "--config", str(policy), stdout=log, stderr=log)
    servers = {
        port: lab.start("server", sys.executable, "-c", SERVER, str(port), answer, stdout=subprocess.PIPE)
        for port, answer in ((9000, "21.5"), (9001, "welcome"))
    }
    for server in servers.values():
        assert server.stdout.readline() == b"ready\n"
    end = time.monotonic() + 30
    while "pywall: running" not in (said := (tmp_path / "log").read_text()):
        assert time.monotonic() < end, said
        assert firewall.poll() is None, said
        time.sleep(0.1)

    def talk(port: int, line: str) -> int:
        return int(lab.run("client", sys.executable, "-c", CLIENT, lab.server4, str(port), line))

    assert talk(9000, "TEMP attic") == 1
    assert talk(9001, "hello") == 3

    firewall.terminate()
    assert firewall.wait(10) == 0
    events = [json.loads(line) for line in (tmp_path / "eve.json").read_text().splitlines()]
    flows = {event["dest_port"]: event for event in events if event["event_type"] == "flow"}
    assert (flows[9000]["app_proto"], flows[9000]["verdict"]["action"]) == ("thermometer", "drop")
    assert (flows[9001]["app_proto"], flows[9001]["verdict"]["action"]) == ("unknown", "accept")
