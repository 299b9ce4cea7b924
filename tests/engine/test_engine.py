"""An engine made from a configuration: its hooks, its mode, and a verdict for whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, REJECT, Drop, Flow, Packet, Verdict, decode, hookimpl
from pywall_core.engine.engine import Engine

from ..toy_engine import MakeEngine, answer, ask


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({"default": "DROP"}, DROP),
        ({"default": "REJECT"}, REJECT),
        ({"default": {"INPUT": "DROP"}}, ACCEPT),
        ({"default": "DROP", "mode": "observe"}, ACCEPT),
        ({"default": "DROP", "queue": {"hooks": ["INPUT"]}}, ACCEPT),
    ],
)
def test_the_default_holds_at_a_queued_hook_without_a_chain(
    make_engine: MakeEngine, options: dict[str, Any], action: object
) -> None:
    engine = make_engine(chains={"INPUT": [{"rule": "always", "action": "ACCEPT"}]}, **options)
    assert engine.process(answer(hook=3)).action is action


@pytest.mark.parametrize(
    ("chains", "hooks"),
    [
        ({}, ["INPUT", "OUTPUT"]),
        ({"INPUT": []}, ["INPUT", "OUTPUT"]),
        ({"FORWARD": []}, ["FORWARD"]),
        ({"FORWARD": [], "OUTPUT": []}, ["INPUT", "OUTPUT", "FORWARD"]),
    ],
)
def test_hooks_that_are_queued_follow_the_chains(make_engine: MakeEngine, chains: Any, hooks: list[str]) -> None:
    assert make_engine(chains=chains).config.queue.hooks == hooks


def test_observe_mode_reports_and_lets_pass(make_engine: MakeEngine) -> None:
    events: list[dict[str, Any]] = []
    engine = make_engine(chains={"INPUT": [{"rule": "always", "action": "DROP"}]}, mode="observe", events=events)
    assert engine.process(ask()).action is ACCEPT
    engine.process(ask())
    alerts = [event for event in events if event["event_type"] == "alert"]
    assert len(alerts) == 1


def test_observe_mode_lets_pass_what_a_failure_or_a_veto_would_drop(make_engine: MakeEngine) -> None:
    class Veto:
        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
            return Drop("veto.bang") if packet.payload == b"!" else None

    engine = make_engine([("veto", Veto())], chains={"INPUT": [{"rule": "flag", "action": "DROP"}]}, mode="observe")
    assert engine.process(ask(b"!")).action is ACCEPT
    assert engine.process(decode(b"\x45", 1.0)).action is ACCEPT
    assert engine.counters["drop.veto.bang"] == 1


@given(st.lists(st.binary(max_size=80), max_size=20), st.integers(1, 3))
def test_noise_gets_verdicts(make_noise: Callable[[], Engine], packets: list[bytes], hook: int) -> None:
    engine = make_noise()
    for data in packets:
        assert isinstance(engine.process(decode(data, 1.0, hook)), Verdict)
    assert engine.packets == len(packets) == sum(engine.verdicts.values())


@pytest.fixture(scope="module")
def make_noise() -> Callable[[], Engine]:
    from pywall_core.config import Config
    from pywall_core.plugins.loader import assemble

    config = Config.model_validate({"version": 1})
    return lambda: Engine(config, assemble(config, []), live=False)
