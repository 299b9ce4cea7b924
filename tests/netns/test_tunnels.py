"""Real connections in tunnels through a gateway: what they carry is inspected where the policy says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

END = str(Path(__file__).with_name("tunnel_end.py"))
POLICY = """
    version: 1
    queue: {number: 9, hooks: [FORWARD]}
    plugins: [rules, stream, protocols]
    detection: {tunnels: %(tunnels)s}
    events: {file: %(events)s, stats: 0}
    chains:
      FORWARD:
        - {rule: app, is: ssh, action: DROP}
    default: ACCEPT
    """
SERVE_SSH = """
    s = socket.socket(address(sys.argv[1]), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((sys.argv[1], 2222))
    s.listen(8)
    print("ready", flush=True)
    while True:
        c = s.accept()[0]
        try:
            c.settimeout(5)
            c.sendall(b"SSH-2.0-OpenSSH_9.2\\r\\n")
            if c.recv(100):
                c.sendall(b"x" * 100)
        except OSError:
            pass
        c.close()
    """
ASK_SSH = """
    try:
        s = socket.create_connection((sys.argv[1], 2222), 3)
        s.settimeout(3)
        s.sendall(b"SSH-2.0-OpenSSH_9.2\\r\\n")
        got = b""
        while len(got) < 121:
            got += s.recv(200)
        print("ok")
    except OSError as error:
        print(type(error).__name__)
    """


def make_tunnel(lab: Any, server: Any, kind: str) -> str:
    """Set both ends up; return the server's address inside."""
    ends = ((lab.peer, lab.PEER, lab.SERVER, 1), (server, lab.SERVER, lab.PEER, 2))
    for namespace, local, remote, number in ends:
        if kind == "vxlan":
            namespace.run(f"ip link add inner0 mtu 1400 type vxlan id 4 local {local} remote {remote} dstport 4789")
            namespace.run(f"ip addr add 10.99.0.{number}/24 dev inner0; ip link set inner0 up")
            continue
        address = f"fd99::{number}/64" if kind == "6in4" else f"10.99.0.{number}/24"
        words = (sys.executable, END, kind, local, remote, address)
        process = namespace.start(*words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert process.stdout.readline() == "ready\n"
    return "fd99::2" if kind == "6in4" else "10.99.0.2"


@pytest.mark.parametrize("kind", ["ipip", "gre", "6in4", "vxlan"])
def test_what_a_tunnel_carries_is_inspected_where_the_policy_says_so(lab: Any, kind: str) -> None:
    server = lab.add_server()
    inside = make_tunnel(lab, server, kind)
    server.echo_server(7000, inside)
    ssh = server.python(SERVE_SSH, inside)
    assert ssh.stdout.readline() == "ready\n"
    events = lab.folder / "eve.json"
    assert lab.peer.ask(ASK_SSH, inside) == "ok", "without a firewall"

    firewall = lab.run(POLICY % {"tunnels": "true", "events": events})
    assert lab.peer.echo(inside, 7000, times=20) == "ok"
    assert lab.peer.ask(ASK_SSH, inside) != "ok"
    assert lab.peer.echo(inside, 7000, times=20) == "ok", "the rest of the tunnel goes on"

    lab.write(POLICY % {"tunnels": "false", "events": events})
    assert firewall.ask("reload")["ok"] is True
    assert lab.peer.ask(ASK_SSH, inside) == "ok", "not looked inside"
    assert firewall.stop() == 0
    written = [json.loads(line) for line in events.read_text().splitlines()]
    drops = [event for event in written if event["event_type"] == "drop"]
    assert drops
    assert {event["tunnel"]["proto"] for event in drops} == {kind}
    assert inside in {drops[0]["src_ip"], drops[0]["dest_ip"]}
