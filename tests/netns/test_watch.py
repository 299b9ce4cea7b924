"""``pywall watch``: an interface's packets under the policy, while nothing is queued or stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pywall_core.testing.netns import Lab, unavailable

PYWALL = (sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())")
SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 2222)); print("ready", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(b"SSH-2.0-a\\r\\n"); c.recv(100); c.close()
"""
CLIENT = """
import socket, sys
c = socket.create_connection((sys.argv[1], 2222), 5); c.recv(100); c.sendall(b"SSH-2.0-b\\r\\n"); c.recv(1)
"""
POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: DROP}
"""

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


def test_flows_are_named_and_decided_while_traffic_goes_on(tmp_path: Any) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    with Lab() as lab:
        server = lab.start("server", sys.executable, "-c", SERVER, stdout=subprocess.PIPE, text=True)
        assert server.stdout.readline() == "ready\n"
        rules = lab.run("server", "iptables-save")
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        watch = lab.start("server", *PYWALL, "watch", "--json", "--config", str(policy), **pipes)
        assert watch.stderr.readline().startswith("watch: all interfaces")
        lab.run("client", sys.executable, "-c", CLIENT, lab.server4)
        ssh = next(event for event in map(json.loads, watch.stdout) if event["event_type"] == "ssh")
        assert lab.run("server", "iptables-save") == rules
        watch.terminate()
        flows = [event for event in map(json.loads, watch.stdout) if event["event_type"] == "flow"]
        err = watch.stderr.read()
        watch.wait(20)
    (flow,) = [event for event in flows if event["app_proto"] == "ssh"]
    assert flow["verdict"]["action"] == "drop"
    assert flow["flow_id"] == ssh["flow_id"]
    assert "0 lost in the socket" in err
    assert watch.returncode == 0
