"""The firewall as a gateway: FORWARD, with and without address translation."""

from __future__ import annotations

import json
from typing import Any

POLICY = """
    version: 1
    queue: {number: 7, hooks: [FORWARD]}
    plugins: [rules]
    chains:
      FORWARD:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: port, protocol: tcp, dst: 8002, action: REJECT}
    default: ACCEPT
    events: {file: %s}
    """


def test_kernel_gateway_carries_drops_and_rejects(lab: Any, variant: str) -> None:
    server = lab.add_server()
    lab.run(POLICY % (lab.folder / "eve.json"), PYWALL_IPTABLES=variant)
    for host in (lab.SERVER, lab.SERVER6):
        for port in (8000, 8001, 8002):
            server.echo_server(port, host)
        before = lab.fw.queued()[7]
        assert lab.peer.echo(host, 8000, times=200) == "ok"
        assert lab.fw.queued()[7] - before <= 8
        assert lab.peer.echo(host, 8001, timeout=0.7) == "TimeoutError"
        assert lab.peer.echo(host, 8002) == "ConnectionRefusedError"


def test_kernel_gateway_counts_translated_flows(lab: Any, variant: str) -> None:
    """Both addresses are translated: the flow's key is neither of conntrack's tuples."""
    server = lab.add_server()
    events = lab.folder / "eve.json"
    nat = f"iptables-{variant} -t nat"
    lab.fw.run(f"{nat} -A PREROUTING -d 10.77.0.1 -p tcp --dport 80 -j DNAT --to-destination {lab.SERVER}:8000")
    lab.fw.run(f"{nat} -A POSTROUTING -o fw1 -j MASQUERADE")
    firewall = lab.run(POLICY % events, PYWALL_IPTABLES=variant)
    server.echo_server(8000)
    before = lab.fw.queued()[7]
    assert lab.peer.echo(lab.FW, 80, times=100) == "ok"
    assert lab.fw.queued()[7] - before <= 8
    lab.fw.run("conntrack -D -p tcp --dport 80")  # the connection ends, and conntrack tells
    lab.fw.run("sleep 1")
    assert firewall.stop() == 0
    flows = [json.loads(line) for line in events.read_text().splitlines()]
    (flow,) = [event["flow"] for event in flows if event["event_type"] == "flow" and event.get("dest_port") == 8000]
    assert flow["pkts_toserver"] > 100
    assert flow["pkts_toclient"] > 100
