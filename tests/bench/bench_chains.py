"""A chain of 10,000 rules beside one of 10, by what the rules ask: the walk at a flow's first packet, and with facts.

``make bench`` prints the table; the ratios are what may be compared between machines.
"""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import decode
from pywall_core.testing import engine, make_flow, tcp_packet
from tests.chain.test_runs import BY_FACTS, KNOWN, many

KINDS = ["ip", "ip both", "port", "flow", "iface", "set", "sets", "port and ip", *BY_FACTS]


@pytest.mark.parametrize("count", [10, 10_000])
@pytest.mark.parametrize("facts", ["open", "known"])
@pytest.mark.parametrize("kind", KINDS)
def bench_chain(benchmark: Any, kind: str, facts: str, count: int) -> None:
    benchmark.group = f"chain of {kind}, facts {facts} (goal: 10,000 rules at most 3 times 10)"
    chains = engine(many(count, kind)).engine.chains
    packet = decode(tcp_packet("192.0.2.1", 1000, "198.51.100.2", 65000, seq=1), 1.0, 1, "eth0")
    known: dict[str, Any] = {"app_proto": "tls", "detect_done": True, "facts": KNOWN} if facts == "known" else {}
    flow = make_flow(packet, **known)

    def walk() -> None:
        flow.cache.walk_from = None
        chains.walk(packet, flow)

    benchmark(walk)
