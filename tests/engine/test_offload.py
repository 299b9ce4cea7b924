"""When the kernel may carry a flow."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, Packet, Verdict, decode, hookimpl
from pywall_core.engine.engine import Engine
from pywall_core.testing import engine, udp_packet

from ..toy_engine import MakeEngine, Word, answer, ask

A, B = "192.0.2.1", "192.0.2.2"


class AlwaysKind:
    """Brings a rule that matches everything."""

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        from pywall_core.api import YES, Matcher, RuleKind

        class Everything(RuleKind):
            """All packets."""

            kind = "everything"

            def compile(self, host: Any) -> Matcher:
                return lambda packet, flow: YES

        register(Everything)


class Watching(AlwaysKind):
    """Wants to see every packet."""

    @hookimpl
    def pywall_flow_start(self, flow: Any) -> None:
        flow.watched = True


class Told(AlwaysKind):
    """Writes down the flows that it is told to let go of."""

    def __init__(self) -> None:
        self.released: list[int] = []

    @hookimpl
    def pywall_flow_released(self, flow: Any) -> None:
        self.released.append(flow.id)


def there(data: bytes = b"x") -> Packet:
    return decode(udp_packet(A, 1000, B, 53, data), 1.0, 1)


def policy(**chains: str) -> dict[str, Any]:
    return {
        "version": 1,
        "chains": {name: [{"rule": "everything", "action": action}] for name, action in chains.items()},
    }


@pytest.mark.parametrize(
    ("chains", "directions"),
    [
        ({"INPUT": "ACCEPT", "OUTPUT": "ACCEPT"}, 2),
        ({"INPUT": "ACCEPT", "OUTPUT": "DROP"}, 1),
        ({"INPUT": "DROP", "OUTPUT": "ACCEPT"}, 1),
    ],
)
def test_directions_that_are_decided_are_handed_over(chains: dict[str, str], directions: int) -> None:
    lab = engine(policy(**chains), plugins={"it": AlwaysKind()}, live=True)
    packet = there()
    verdict = lab.engine.process(packet)
    assert int(lab.engine.offloadable(packet, verdict)) == directions


def test_a_watched_flow_stays() -> None:
    for action in ("ACCEPT", "DROP"):
        lab = engine(policy(INPUT=action, OUTPUT="ACCEPT"), plugins={"it": Watching()}, live=True)
        packet = there()
        assert not lab.engine.offloadable(packet, lab.engine.process(packet))


def test_what_is_not_final_stays() -> None:
    lab = engine(policy(INPUT="ACCEPT"), plugins={"it": AlwaysKind()}, live=True)
    packet = there()
    lab.engine.process(packet)
    assert lab.engine.offloadable(packet, Verdict(ACCEPT)) == 0
    assert lab.engine.offloadable(packet, Verdict(DROP)) == 0


def test_plugins_are_told_once_that_they_may_let_go() -> None:
    told = Told()
    lab = engine(policy(INPUT="ACCEPT", OUTPUT="ACCEPT"), plugins={"it": told}, live=True)
    for _ in range(3):
        packet = there()
        lab.engine.offloadable(packet, lab.engine.process(packet))
    assert told.released == [lab.flows[0].id]


def offloads(engine: Engine, *packets: Packet) -> list[int]:
    """In how many directions the kernel may carry each packet's verdict."""
    return [engine.offloadable(packet, engine.process(packet)) for packet in packets]


def test_no_direction_is_offloaded_while_the_other_is_undecided(make_engine: MakeEngine) -> None:
    """The tracker and the detectors need both: an OUTPUT without rules must not take the server's side away."""
    rules = [{"rule": "port", "dst": 22, "action": "ACCEPT"}, {"rule": "app", "name": "bad", "action": "DROP"}]
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains={"INPUT": rules}, live=True)
    assert offloads(engine, ask(b"HE"), answer(b"x"), ask(b"y"), answer(b"x")) == [0, 0, 2, 2]


def test_what_rules_of_sight_decide_is_offloaded_at_once(make_engine: MakeEngine) -> None:
    rules = [{"rule": "port", "dst": 53, "action": "ACCEPT"}, {"rule": "app", "name": "bad", "action": "DROP"}]
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains={"INPUT": rules}, live=True)
    assert offloads(engine, ask(b"HE"), answer(b"x")) == [2, 2]


OTHER_WAYS = [
    ([{"rule": "always", "action": "ACCEPT"}], 2, "addresses and ports say all"),
    (
        [{"rule": "app", "name": "good", "action": "ACCEPT"}, {"rule": "always", "action": "DROP"}],
        2,
        "facts have settled",
    ),
    ([{"rule": "always", "action": "jumped"}], 2, "a jump to such rules"),
    ([{"rule": "flag", "action": "DROP"}], 0, "each packet is asked"),
    ([{"rule": "always", "action": "DROP", "observe": True}], 1, "an observer wants to see it"),
    ([{"rule": "port", "dst": 1000, "action": "DROP"}], 1, "its own first packet will be dropped"),
]


@pytest.mark.parametrize(("output", "directions", "why"), OTHER_WAYS, ids=[why for _, _, why in OTHER_WAYS])
def test_the_other_direction_is_handed_over_where_its_verdict_is_known(
    make_engine: MakeEngine, output: list[dict[str, Any]], directions: int, why: str
) -> None:
    chains = {"INPUT": [{"rule": "app", "name": "good", "action": "ACCEPT"}], "OUTPUT": output, "jumped": []}
    engine = make_engine([("good", Word("good", b"HELLO"))], chains=chains, live=True)
    packet = ask(b"HELLO")
    hits = [rule.hits for rule in engine.chains.rules["OUTPUT"]]
    assert offloads(engine, packet) == [directions]
    assert [rule.hits for rule in engine.chains.rules["OUTPUT"]] == hits  # no packet has been there


def test_the_event_of_a_flow_names_the_rule_that_let_both_directions_go(make_engine: MakeEngine) -> None:
    events: list[dict[str, Any]] = []
    chains = {"INPUT": [{"rule": "app", "name": "good", "action": "ACCEPT"}, {"rule": "always", "action": "DROP"}]}
    word = Word("good", b"HELLO")
    engine = make_engine([("good", word)], chains=chains, live=True, events=events)
    assert offloads(engine, ask(b"HELLO")) == [2]
    engine.close()
    (flow,) = (event for event in events if event["event_type"] == "flow")
    assert (flow["pywall"]["rule"], flow["pywall"]["final"]) == ("INPUT[0]", True)


def test_naming_flows_comes_before_offload(make_engine: MakeEngine) -> None:
    engine = make_engine([("bad", Word("bad", b"HELLO"))], live=True, detection={"all": True})
    assert offloads(engine, ask(b"HE"), ask(b"LLO")) == [0, 2]
