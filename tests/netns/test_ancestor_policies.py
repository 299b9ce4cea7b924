"""Converted configurations of the ancestors on real sockets: over veth, and over loopback, which they filtered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

KNOCK = {
    "name": "PortKnocking",
    "src_port": 9001,
    "protocol": "TCP",
    "port": 2222,
    "timeout": 3,
    "doors": [["TCP", 49001], ["UDP", 49011]],
}
CLOSED = {"name": "TCPStateRule", "match_if": ["CLOSED"], "action": "DROP"}


@pytest.fixture
def converted(lab: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    """Start the firewall with what ``pywall convert`` makes of an old configuration."""
    from pywall_core.cli import main

    def start(old: dict[str, Any]) -> Any:
        file: Path = lab.folder / "old.json"
        file.write_text(json.dumps(old))
        assert main(["convert", str(file)]) == 0
        return lab.run(capsys.readouterr().out)

    return start


#: knock at DOORS (protocol/port ...) of a host from source port 9001
DOORS = """
    host = sys.argv[1]
    for door in sys.argv[2:]:
        kind, port = door.split("/")
        s = socket.socket(address(host), socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", 9001))
        if kind == "udp":
            s.sendto(b"", (host, int(port)))
        else:
            s.setblocking(False)
            s.connect_ex((host, int(port)))
            time.sleep(0.1)
        s.close()
    """


@pytest.mark.parametrize("over", ["veth", "loopback"])
def test_knocking_opens_the_port_for_a_time(lab: Any, converted: Any, until: Any, over: str) -> None:
    host, client = (lab.FW, lab.peer) if over == "veth" else ("127.0.0.1", lab.fw)
    lab.fw.echo_server(2222)
    converted({"default_chain": "ACCEPT", "INPUT": [{"name": "PrintRule"}, KNOCK, CLOSED]})
    assert client.echo(host, 2222, timeout=0.7) == "TimeoutError"
    client.ask(DOORS, host, "udp/49011", "tcp/49001")
    assert client.echo(host, 2222, timeout=0.7) == "TimeoutError"
    client.ask(DOORS, host, "tcp/49001", "udp/49011")
    assert client.echo(host, 2222) == "ok"
    until(lambda: client.echo(host, 2222, timeout=0.5) == "TimeoutError", 6, "end of the grant")


def test_new_inbound_connections_are_refused_and_answers_come_in(lab: Any, converted: Any) -> None:
    lab.fw.echo_server(8000)
    lab.peer.echo_server(8000)
    converted({"INPUT": [CLOSED]})
    assert lab.peer.echo(lab.FW, 8000, timeout=0.7) == "TimeoutError"
    assert lab.fw.echo("127.0.0.1", 8000, timeout=0.7) == "TimeoutError"
    assert lab.fw.echo(lab.PEER, 8000, times=20) == "ok"


@pytest.mark.parametrize("over", ["veth", "loopback"])
def test_ports_ranges_addresses_and_chains(lab: Any, converted: Any, over: str) -> None:
    host, client, address = (lab.FW, lab.peer, lab.PEER) if over == "veth" else ("127.0.0.1", lab.fw, "127.0.0.1")
    for port in (8001, 8002, 8003, 8004, 8005):
        lab.fw.echo_server(port)
    lab.fw.echo_server(8001, kind="udp")
    tcp = {"protocol": "TCP"}
    converted(
        {
            "INPUT": [
                {"name": "PortRule", **tcp, "dst_port": 8001, "action": "DROP"},
                {"name": "PortRangeRule", **tcp, "dst_lo": 8002, "dst_hi": 8003, "action": "DROP"},
                {"name": "IPPortRule", **tcp, "dst_lo": 8004, "dst_hi": 8004, "src_ip": address, "action": "DROP"},
                {"name": "TCPRule", "action": "later"},
            ],
            "later": [
                {"name": "SourceIPRule", "cidr_range": "203.0.113.0/24", "action": "DROP"},
                {"name": "DestinationIPRule", "cidr_range": f"{host}/32", "action": "ACCEPT"},
                {"name": "TrueRule", "action": "DROP"},
            ],
        }
    )
    answers = [client.echo(host, port, timeout=0.5) for port in (8001, 8002, 8003, 8004, 8005)]
    assert answers == ["TimeoutError"] * 4 + ["ok"]
    assert client.echo(host, 8001, "udp") == "ok"


def test_no_default_drop_reaches_outbound_packets(lab: Any, converted: Any) -> None:
    """The ancestors' default was that of INPUT."""
    lab.peer.echo_server(8000, kind="udp")
    allow = {"name": "PortRule", "protocol": "UDP", "src_port": 8000, "action": "ACCEPT"}
    converted({"default_chain": "DROP", "INPUT": [allow]})
    assert lab.fw.echo(lab.PEER, 8000, "udp") == "ok"
    assert lab.fw.echo(lab.PEER, 8000, timeout=0.7) == "TimeoutError"
