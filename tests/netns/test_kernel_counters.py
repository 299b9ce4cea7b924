"""The ``flow`` event of a flow that the kernel carried has the packets and bytes that went by."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains: {INPUT: [{rule: port, protocol: tcp, dst: 1, action: DROP}], OUTPUT: []}
    default: ACCEPT
    events: {file: %s}
    """
Until = Callable[..., None]


def flow_events(path: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in events if event["event_type"] == "flow" and event.get("dest_port") == 8000]


def test_kernel_counters_at_the_end_of_the_connection(lab: Any, variant: str, until: Until) -> None:
    events = lab.folder / "eve.json"
    lab.fw.run("sysctl -q net.netfilter.nf_conntrack_udp_timeout=2 net.netfilter.nf_conntrack_udp_timeout_stream=2")
    lab.run(POLICY % events, PYWALL_IPTABLES=variant)
    for host in (lab.FW, lab.FW6):
        lab.fw.echo_server(8000, host, "udp")
        assert lab.peer.echo(host, 8000, "udp", times=50) == "ok"

    def ended() -> bool:
        lab.fw.run("conntrack -L; conntrack -L -f ipv6", check=False)  # listing throws expired connections out
        return len(flow_events(events)) == 2

    until(ended, 15, "flow events")
    for event in flow_events(events):
        header = 28 if ":" not in event["dest_ip"] else 48
        data = sum(len(b"message %d" % n) for n in range(50)) + 50 * header
        assert event["flow"]["pkts_toserver"] == event["flow"]["pkts_toclient"] == 50
        assert event["flow"]["bytes_toserver"] == event["flow"]["bytes_toclient"] == data


def test_kernel_counters_when_the_firewall_stops(lab: Any) -> None:
    events = lab.folder / "eve.json"
    firewall = lab.run(POLICY % events)
    lab.fw.echo_server(8000)
    assert lab.peer.echo(lab.FW, 8000, times=100) == "ok"
    assert firewall.stop() == 0
    (event,) = flow_events(events)
    assert event["flow"]["pkts_toserver"] > 100
    assert event["flow"]["pkts_toclient"] > 100
    assert event["flow"]["reason"] == "shutdown"


@pytest.mark.slow
def test_kernel_counters_keep_a_carried_flow_alive(lab: Any, until: Until) -> None:
    """The table's timeout does not end a flow that goes on in the kernel, nor begin a second one."""
    events = lab.folder / "eve.json"
    firewall = lab.run(POLICY % events)
    lab.fw.echo_server(8000, kind="udp")
    talker = lab.peer.python(
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect((sys.argv[1], 8000))
        for n in range(360):
            s.send(b"x"); s.recv(10); time.sleep(0.1)
        """,
        lab.FW,
    )
    talker.wait(60)
    assert firewall.stop() == 0
    (event,) = flow_events(events)
    assert event["flow"]["pkts_toserver"] == 360
