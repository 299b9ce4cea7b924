"""The verdict of a walk: the first match, jumps, rules that wait, and when a verdict is final."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, REJECT, Flow, Packet, Verdict, decode, hookimpl
from pywall_core.testing import tcp_packet

from ..toy_engine import A, B, MakeEngine, Word, answer, ask


def test_first_match_decides_and_the_default_ends_a_chain(make_engine: MakeEngine) -> None:
    rules = [{"rule": "port", "dst": 53, "action": "REJECT"}, {"rule": "port", "dst": 53, "action": "ACCEPT"}]
    engine = make_engine(chains={"INPUT": rules}, default={"INPUT": "DROP"})
    verdict = engine.process(ask())
    assert (verdict.action, verdict.rule, verdict.final) == (REJECT, "INPUT[0]", True)
    assert engine.process(ask(dport=99)).rule == "default"
    assert engine.process(ask(dport=99)).action is DROP


def test_a_jump_is_a_goto(make_engine: MakeEngine) -> None:
    chains = {
        "INPUT": [{"rule": "port", "dst": 53, "action": "names"}, {"rule": "always", "action": "DROP"}],
        "names": [{"rule": "port", "dst": 1, "action": "REJECT"}],
    }
    engine = make_engine(chains=chains, default="ACCEPT")
    assert engine.process(ask()).action is ACCEPT, "the end of any chain is the default, not the caller's next rule"
    assert engine.process(ask(dport=54)).action is DROP


def test_a_pending_rule_lets_the_handshake_through_and_then_decides(make_engine: MakeEngine) -> None:
    rules = [{"rule": "app", "name": "good", "action": "ACCEPT"}, {"rule": "always", "action": "DROP"}]
    engine = make_engine([("good", Word("good", b"HELLO"))], chains={"INPUT": rules})
    first = engine.process(ask(b"HEL"))
    assert (first.action, first.final, first.rule) == (ACCEPT, False, "INPUT[0]")
    second = engine.process(ask(b"LO!"))
    assert (second.action, second.final) == (ACCEPT, True)

    engine = make_engine([("good", Word("good", b"HELLO"))], chains={"INPUT": rules})
    assert engine.process(ask(b"HEL")).action is ACCEPT
    verdict = engine.process(ask(b"P!"))
    assert (verdict.action, verdict.rule, verdict.final) == (DROP, "INPUT[1]", True)


def test_what_no_fact_can_change_is_decided_at_once(make_engine: MakeEngine) -> None:
    rules = [{"rule": "app", "name": "bad", "action": "DROP"}, {"rule": "always", "action": "DROP"}]
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains={"INPUT": rules})
    assert engine.process(ask(b"H")) == Verdict(
        DROP, True, "INPUT[0]", "kinds", "INPUT", "INPUT[0] matched", title="app name=bad"
    )


def test_a_pending_jump_may_come_to_what_its_chain_comes_to(make_engine: MakeEngine) -> None:
    inner = [{"rule": "port", "dst": 53, "action": "DROP"}]
    jump = {"rule": "app", "name": "bad", "action": "inner"}
    chains = {"INPUT": [jump, {"rule": "always", "action": "DROP"}], "inner": inner}
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains=chains)
    assert engine.process(ask(b"H")).final, "DROP either way"
    assert engine.process(ask(b"H", dport=54)).action is ACCEPT, "the inner chain's end is the default, ACCEPT"
    assert engine.chains.rules["inner"][0].hits == 0


def test_work_does_not_grow_with_the_ways_through_pending_jumps(make_engine: MakeEngine) -> None:
    chains: dict[str, Any] = {"INPUT": [{"rule": "app", "name": "bad", "action": "c0"}] * 2}
    for n in range(28):
        chains[f"c{n}"] = [{"rule": "app", "name": "bad", "action": f"c{n + 1}"}] * 2
    chains["c28"] = []
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains=chains)
    assert engine.process(ask(b"H")).action is ACCEPT


def test_several_outcomes_without_accept_drop(make_engine: MakeEngine) -> None:
    rules = [{"rule": "app", "name": "bad", "action": "REJECT"}]
    engine = make_engine([("bad", Word("bad", b"HELLO"))], chains={"INPUT": rules}, default="DROP")
    verdict = engine.process(ask(b"H"))
    assert (verdict.action, verdict.final) == (DROP, False)


@pytest.mark.parametrize(
    ("condition", "dport", "expected"),
    [
        ({"all": [{"rule": "port", "dst": 53}, {"not": {"rule": "port", "dst": 54}}]}, 53, DROP),
        ({"all": [{"rule": "port", "dst": 53}, {"rule": "port", "dst": 54}]}, 53, ACCEPT),
        ({"any": [{"rule": "port", "dst": 53}, {"rule": "port", "dst": 54}]}, 54, DROP),
        ({"not": {"rule": "port", "dst": 53}}, 53, ACCEPT),
    ],
)
def test_combinators(make_engine: MakeEngine, condition: dict[str, Any], dport: int, expected: object) -> None:
    engine = make_engine(chains={"INPUT": [{**condition, "action": "DROP"}]})
    assert engine.process(ask(dport=dport)).action is expected


def test_an_observed_rule_does_not_decide(make_engine: MakeEngine) -> None:
    rules = [{"rule": "always", "action": "DROP", "observe": True}, {"rule": "always", "action": "ACCEPT"}]
    engine = make_engine(chains={"INPUT": rules})
    assert engine.process(ask()).rule == "INPUT[1]"
    assert engine.chains.rules["INPUT"][0].hits == 1


def test_a_final_drop_is_the_whole_flows(make_engine: MakeEngine) -> None:
    engine = make_engine(chains={"INPUT": [{"rule": "port", "dst": 53, "action": "DROP"}], "OUTPUT": []})
    engine.process(ask())
    assert engine.process(answer()).action is DROP, "in the other direction and hook too"
    assert engine.verdicts[DROP] == 2


def test_a_final_accept_holds_for_its_hook_and_direction_only(make_engine: MakeEngine) -> None:
    chains = {"INPUT": [{"rule": "always", "action": "ACCEPT"}], "OUTPUT": [{"rule": "always", "action": "DROP"}]}
    engine = make_engine(chains=chains)
    assert engine.process(ask()).action is ACCEPT
    assert engine.process(answer()).action is DROP
    assert engine.process(ask()).action is DROP


def test_a_rule_of_packet_scope_prevents_finality_only_where_it_was_asked(make_engine: MakeEngine) -> None:
    engine = make_engine(chains={"INPUT": [{"rule": "flag", "port": 53, "action": "DROP"}]})
    assert not engine.process(ask(b"a")).final
    assert engine.process(ask(b"!")).action is DROP
    assert engine.process(ask(b"b")).action is ACCEPT, "a drop by a packet rule is that packet's alone"
    assert engine.process(ask(b"a", dport=80)).final, "a flow that the rule does not concern"


def test_accept_by_protocol_is_final_only_when_confirmed_and_not_upgradable(make_engine: MakeEngine) -> None:
    rules = [{"rule": "app", "name": "good", "action": "ACCEPT"}]
    engine = make_engine([("good", Word("good", b"HI", confirmed=False))], chains={"INPUT": rules}, default="DROP")
    assert not engine.process(ask(b"HI")).final
    engine = make_engine([("good", Word("good", b"HI", done=False))], chains={"INPUT": rules}, default="DROP")
    assert not engine.process(ask(b"HI")).final
    engine = make_engine([("good", Word("good", b"HI"))], chains={"INPUT": rules}, default="DROP")
    assert engine.process(ask(b"HI")).final


def test_no_verdict_is_final_while_its_bytes_are_unacknowledged(make_engine: MakeEngine) -> None:
    class Unacked:
        provides = ("segment",)

        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> None:
            flow.tcp.unacked = packet.payload != b"!ack"
            packet.segments = ((0, bytes(packet.payload), 0),)

    rules = [{"rule": "app", "name": "good", "action": "ACCEPT"}]
    good = Word("good", b"HI")
    good.transport = "tcp"
    engine = make_engine([("tracker", Unacked()), ("good", good)], chains={"INPUT": rules}, default="DROP")

    def is_final(data: bytes) -> bool:
        return engine.process(decode(tcp_packet(A, 1000, B, 80, seq=1, flags=24, data=data), 1.0, 1)).final

    assert [is_final(data) for data in (b"HI", b"there", b"!ack")] == [False, False, True]
