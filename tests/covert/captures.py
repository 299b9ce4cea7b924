"""Public captures under the policy against unknown ciphertext: ``python -m tests.covert.captures FOLDER``.

Prints the flows that it drops, by name and by how sure the name is. A flow with a confirmed name must never be dropped;
what is dropped under a guessed name, or none, is what a detector could still name.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from pywall_core.api import ACCEPT, Flow, Packet, Verdict
from pywall_core.offline.replay import Hooks, captures
from pywall_core.offline.replay import replay as run
from pywall_core.testing.memory import engine

from .score import POLICY

_TRANSPORTS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}


@dataclass(frozen=True, slots=True)
class Dropped:
    """A flow that the policy dropped: its capture, ends, name, what it had carried, and how sure the classifier was."""

    capture: str
    ends: str
    protocol: str
    confirmed: bool
    through: int
    confidence: float
    midstream: bool

    def text(self) -> str:
        """Return one line."""
        sure = "confirmed" if self.confirmed else "-" if self.protocol == "unknown" else "guessed"
        middle = "middle" if self.midstream else "start"
        figures = f"{self.confidence:.4f} {self.through:6}"
        return f"{self.protocol:14} {sure:9} {middle:6} {figures} {self.ends:44} {self.capture}"


def dropped_flows(capture: str, policy: str = POLICY) -> Iterator[Dropped]:
    """Yield the flows of a capture that the policy drops for good."""
    lab = engine(policy)
    found: dict[int, Dropped] = {}

    def look(packet: Packet, verdict: Verdict) -> None:
        if verdict.action is ACCEPT or not verdict.final or verdict.rule == "":
            return
        flow = lab.engine.flows.find(packet.key)
        if flow is not None and flow.id not in found:
            found[flow.id] = _describe(flow, capture)

    run(lab.engine, capture, Hooks(), seen=look)
    yield from found.values()


def _describe(flow: Flow, capture: str) -> Dropped:
    transport = _TRANSPORTS.get(flow.proto, str(flow.proto))
    ends = f"{transport} {ip_address(flow.src)}:{flow.sport} > {ip_address(flow.dst)}:{flow.dport}"
    facts = flow.facts
    name = "/".join(Path(capture).parts[-2:])
    confidence, through = float(facts.get("payload.confidence", 0)), int(facts.get("payload.bytes_seen", 0))
    return Dropped(name, ends, flow.app_proto or "unnamed", flow.confirmed, through, confidence, flow.midstream)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    count: Counter[str] = Counter()
    for capture in captures(options.folders):
        for flow in dropped_flows(capture):
            print(flow.text(), flush=True)
            count[f"{flow.protocol} {'confirmed' if flow.confirmed else 'not confirmed'}"] += 1
    for name, flows in count.most_common():
        print(f"{flows:6} {name}")


if __name__ == "__main__":
    main()
