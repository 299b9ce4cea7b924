"""What the events come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pywall_report.summary import BINS, bins, summarize

FlowEvent = Callable[..., dict[str, Any]]


def test_counts_names_and_rules(flow_event: FlowEvent) -> None:
    tls = {"event_type": "tls", "flow_id": 1, "tls": {"sni": "a.example", "ja3": {"hash": "h"}}}
    drop = flow_event(2, app_proto="ssh", verdict={"action": "drop"}, pywall={"rule": "INPUT[1]", "reason": "no"})
    stats = {
        "event_type": "stats",
        "stats": {"decisions": [{"chain": "INPUT", "rule": "INPUT[1]", "action": "drop", "packets": 7}]},
    }
    summary = summarize([tls, flow_event(1), drop, stats])
    assert (summary.packets, summary.bytes, dict(summary.verdicts)) == (6, 600, {"accept": 1, "drop": 1})
    assert dict(summary.protocols) == {"tls": [1, 300], "ssh": [1, 300]}
    assert dict(summary.rankings["Server names (SNI)"]) == {"a.example": 1}
    assert dict(summary.rules["INPUT[1]"].packets) == {"drop": 7}
    assert summary.flows[0]["x"]["tls"]["sni"] == "a.example"
    assert summary.flows[1]["x"] == {}


def test_encrypted_and_unknown(flow_event: FlowEvent) -> None:
    encrypted = {"rule": "default", "payload": {"class": "encrypted", "confidence": 0.9, "odds": 3.1}}
    plain = {"rule": "default", "payload": {"class": "plain"}}
    events = [flow_event(n, app_proto="unknown", pywall=pywall) for n, pywall in enumerate((encrypted, plain))]
    summary = summarize([*events, flow_event(9, pywall=encrypted)])
    assert summary.encrypted == [0]
    assert summary.flows[0]["x"]["payload"] == {"class": "encrypted", "confidence": 0.9, "odds": 3.1}


def test_bins_hold_every_flow_once() -> None:
    timeline = [(float(n), "accept" if n % 3 else "drop") for n in range(1000)]
    starts, counts = bins(timeline)
    assert len(starts) == BINS
    assert sum(map(sum, counts.values())) == 1000
    assert bins([]) == ([], {})
    assert sum(bins([(5.0, "drop")])[1]["drop"]) == 1
