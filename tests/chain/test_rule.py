"""A run of rules: the look-up finds those that may match, in the chain's order."""

from __future__ import annotations

import pytest

from pywall_core.chain.rule import Run
from pywall_core.packet.decode import decode
from pywall_core.testing import engine, make_flow, tcp_packet

RULES = [{"rule": "ip", "dst": f"10.0.0.{n}", "action": "ACCEPT"} for n in range(40)]
RULES[25] = {"rule": "port", "dst": "400-500", "action": "DROP"}
RULES[30] = {"rule": "ip", "dst": "10.0.0.0/24", "action": "DROP"}


@pytest.fixture
def run() -> Run:
    pytest.importorskip("pywall_rules")
    made = engine({"version": 1, "plugins": ["rules"], "chains": {"INPUT": RULES}, "default": "DROP"})
    found = made.engine.chains.rules["INPUT"][0].run
    assert found is not None
    return found


def positions(run: Run, address: str, port: int) -> list[str]:
    packet = decode(tcp_packet("192.0.2.1", 1000, address, port, seq=1), 1.0, 1)
    return [rule.path for rule in run.candidates(packet, make_flow(packet))]


def test_a_run_covers_its_rules(run: Run) -> None:
    assert run.length == len(RULES)


def test_rules_of_all_tables_come_in_the_order_of_the_chain(run: Run) -> None:
    assert positions(run, "10.0.0.7", 80) == ["INPUT[7]", "INPUT[30]"]
    assert positions(run, "10.0.0.7", 450) == ["INPUT[7]", "INPUT[25]", "INPUT[30]"]
    assert positions(run, "10.0.0.5", 401) == ["INPUT[5]", "INPUT[25]", "INPUT[30]"]
    assert positions(run, "192.0.2.9", 80) == []
