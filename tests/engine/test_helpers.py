"""Facts that helper processes tell, and packets that wait for them."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import PENDING, YES, Answer, Flow, Host, hookimpl
from pywall_core.engine.engine import Engine
from pywall_core.model.verdict import ACCEPT, DROP, Cause
from pywall_core.packet.decode import decode
from pywall_core.testing import tcp_packet


class Owner:
    """Knows who owns a flow when somebody has told it."""

    facts = ("owner.name",)
    api_version = 1

    def __init__(self, *awaited: str) -> None:
        self.awaited_facts = awaited
        self.known = False

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        self.helper = engine.helper("owner", lambda answer: None)

    @hookimpl
    def pywall_fact_state(self, flow: Flow, name: str) -> Answer:
        return YES if self.known else PENDING


def engine_with(owner: Owner, *rules: dict[str, Any]) -> Engine:
    rules_plugin = pytest.importorskip("pywall_rules.plugin")
    from pywall_core.config import Config
    from pywall_core.plugins.loader import assemble

    config = Config.model_validate({"version": 1, "chains": {"INPUT": list(rules)}})
    plugins = assemble(config, [("rules", rules_plugin), ("owner", owner)])
    return Engine(config, plugins, live=True)


SYN = tcp_packet("192.0.2.1", 4000, "192.0.2.2", 22, seq=1, flags=2)
RULE = {"rule": "fact", "name": "owner.name", "is": "root", "action": "DROP"}


def test_a_packet_is_decided_again_when_the_fact_is_known() -> None:
    owner = Owner()
    engine = engine_with(owner, RULE)
    packet = decode(SYN, 1.0, 1)
    first = engine.process(packet)
    assert (first.action, first.cause) == (ACCEPT, Cause.PENDING)
    assert engine.helpers.holds(packet, first)
    flow = engine.flows.find(packet.key)
    assert flow is not None
    owner.known = True
    flow.set_fact("owner.name", "root")
    assert not engine.helpers.holds(packet, first)
    again = engine.decide_again(packet, first)
    assert (again.action, again.final) == (DROP, True)
    assert {key[2:]: n for key, n in engine.decisions.items() if n} == {(DROP, False): 1}


def test_a_known_fact_makes_an_accept_final() -> None:
    owner = Owner()
    owner.known = True
    engine = engine_with(owner, RULE)
    verdict = engine.process(decode(SYN, 1.0, 1))
    assert (verdict.action, verdict.final, verdict.cause) == (ACCEPT, True, Cause.RULE)


def test_packets_that_no_rule_makes_wait_are_held_where_the_plugin_wants_it() -> None:
    rule = {"rule": "port", "dst": 22, "action": "ACCEPT"}
    packet = decode(SYN, 1.0, 1)
    asked_by_rules = engine_with(Owner(), rule)
    assert not asked_by_rules.helpers.holds(packet, asked_by_rules.process(packet))
    always = engine_with(Owner("owner.name"), rule)
    assert always.helpers.holds(packet, always.process(packet))
    denied = engine_with(Owner("owner.name"), {**rule, "action": "DROP"})
    assert not denied.helpers.holds(packet, denied.process(packet))
