"""Packet in, verdict out: the chain's logic, finality, hooks, failures; with plugins of a few lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import (
    ACCEPT,
    DROP,
    MORE,
    NO,
    PENDING,
    REJECT,
    YES,
    Answer,
    Drop,
    Facts,
    Flow,
    HandOver,
    Match,
    Packet,
    Transaction,
    Verdict,
    decode,
    hookimpl,
)
from pywall_core.chain.conditions import match_all, match_any, match_not
from pywall_core.engine.engine import Engine
from pywall_core.testing import icmp_error, tcp_packet, udp_packet

MakeEngine = Callable[..., Engine]
A, B = "10.0.0.1", "10.0.0.2"


def ask(data: bytes = b"", *, dport: int = 53, sport: int = 1000, time: float = 1.0, hook: int = 1) -> Packet:
    return decode(udp_packet(A, sport, B, dport, data), time, hook)


def answer(data: bytes = b"", *, sport: int = 53, dport: int = 1000, time: float = 1.0, hook: int = 3) -> Packet:
    return decode(udp_packet(B, sport, A, dport, data), time, hook)


def the_flow(engine: Engine) -> Flow:
    (flow,) = engine.flows
    return flow


class Word:
    """Detects a protocol by its first word."""

    transport = "udp"

    def __init__(self, protocol: str, word: bytes, **match: Any) -> None:
        self.protocols = (protocol,)
        self.word = word
        self.match = match
        self.asked = 0

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.asked += 1
        if client.startswith(self.word):
            return Match(self.protocols[0], **self.match)
        return MORE if self.word.startswith(client) else NO


# --- the chain ---------------------------------------------------------------------------------------------------


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


three_valued = st.lists(st.sampled_from([YES, NO, PENDING]), min_size=1, max_size=5)


@given(three_valued)
def test_kleene(answers: list[Answer]) -> None:
    rank = {NO: 0, PENDING: 1, YES: 2}
    parts = [lambda packet, flow, a=a: a for a in answers]
    packet, flow = Packet(), Flow()
    assert rank[match_all(parts)(packet, flow)] == min(rank[a] for a in answers)
    assert rank[match_any(parts)(packet, flow)] == max(rank[a] for a in answers)
    assert rank[match_not(match_all(parts))(packet, flow)] == 2 - min(rank[a] for a in answers)


# --- finality ----------------------------------------------------------------------------------------------------


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


def test_nothing_is_offloaded_while_its_bytes_are_unacknowledged(make_engine: MakeEngine) -> None:
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


def test_an_observed_rule_does_not_decide(make_engine: MakeEngine) -> None:
    rules = [{"rule": "always", "action": "DROP", "observe": True}, {"rule": "always", "action": "ACCEPT"}]
    engine = make_engine(chains={"INPUT": rules})
    assert engine.process(ask()).rule == "INPUT[1]"
    assert engine.chains.rules["INPUT"][0].hits == 1


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


def test_a_watched_flow_stays(make_engine: MakeEngine) -> None:
    class Watch:
        @hookimpl
        def pywall_flow_start(self, flow: Flow) -> None:
            flow.watched = True

    engine = make_engine([("watch", Watch())], live=True)
    assert offloads(engine, ask(b"a"), answer(b"b"), ask(b"c")) == [0, 0, 0]


def test_naming_flows_comes_before_offload(make_engine: MakeEngine) -> None:
    engine = make_engine([("bad", Word("bad", b"HELLO"))], live=True, detection={"all": True})
    assert offloads(engine, ask(b"HE"), ask(b"LLO")) == [0, 2]


# --- detection --------------------------------------------------------------------------------------------------


def test_an_earlier_detector_wins_however_the_bytes_were_cut(make_engine: MakeEngine) -> None:
    for cut in range(1, 6):
        engine = make_engine([("long", Word("long", b"HELLO")), ("short", Word("short", b"HE"))])
        engine.process(ask(b"HELLO"[:cut]))
        assert the_flow(engine).app_proto in (None, "long")
        engine.process(ask(b"HELLO"[cut:] or b"!"))
        assert the_flow(engine).app_proto == "long"


def test_no_is_for_good_and_unknown_when_all_said_no(make_engine: MakeEngine) -> None:
    word = Word("good", b"HELLO")
    engine = make_engine([("good", word)])
    engine.process(ask(b"x"))
    engine.process(ask(b"HELLO"))
    assert word.asked == 1
    assert the_flow(engine).app_proto == "unknown"


def test_the_budget_ends_waiting(make_engine: MakeEngine) -> None:
    engine = make_engine([("good", Word("good", b"H" * 200))], detection={"bytes": 64})
    engine.process(ask(b"H" * 63))
    assert the_flow(engine).app_proto is None
    engine.process(ask(b"H"))
    assert the_flow(engine).app_proto == "unknown"
    engine = make_engine([("good", Word("good", b"H" * 200))], detection={"packets": 3})
    for _ in range(3):
        engine.process(ask(b"H"))
    assert the_flow(engine).app_proto == "unknown"


def test_first_bytes_spare_the_call(make_engine: MakeEngine) -> None:
    word = Word("good", b"HELLO")
    word.first_client = b"H"  # type: ignore[attr-defined]
    engine = make_engine([("good", word)])
    engine.process(ask(b"xHELLO"))
    assert (word.asked, the_flow(engine).app_proto) == (0, "unknown")


def test_a_protocol_inside_another(make_engine: MakeEngine) -> None:
    class Outer(Word):
        @hookimpl
        def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
            return Match("outer", restart=(6, 0)) if client.startswith(b"OUTER:") else NO

    plugins = [("outer", Outer("outer", b"OUTER:")), ("inner", Word("inner", b"INNER"))]
    engine = make_engine(plugins)
    engine.process(ask(b"OUTER:"))
    assert the_flow(engine).app_proto == "outer"
    engine.process(ask(b"INNER"))
    flow = the_flow(engine)
    assert (flow.app_proto, flow.app_proto_orig, flow.detect_done) == ("inner", "outer", True)

    engine = make_engine(plugins)
    engine.process(ask(b"OUTER:zzz"))
    assert (the_flow(engine).app_proto, the_flow(engine).opaque) == ("outer", True)


@pytest.mark.parametrize("offsets", [(0, 0), (0, 5)])
def test_a_protocol_that_hands_over_all_it_was_given_ends(make_engine: MakeEngine, offsets: tuple[int, int]) -> None:
    engine = make_engine([("loop", Word("loop", b"HI", restart=offsets))], chains={"INPUT": []})
    for _ in range(3):
        assert engine.process(ask(b"HI there")).action is ACCEPT
    assert engine.failures.by_plugin == {}
    assert the_flow(engine).detect_done


class Loop(Word):
    """Its parser hands over all that it is fed."""

    confirmed = over = False
    has_transactions = True

    @hookimpl
    def pywall_transactions(self, flow: Flow) -> Loop:
        return self

    def feed(self, to_server: bool, data: bytes) -> list[HandOver]:
        return [HandOver(client=data if to_server else b"", server=b"" if to_server else data, inside=False)]

    def gap(self, to_server: bool, size: int) -> bool:
        return True

    def finish(self) -> list[Transaction]:
        return []

    def copy(self) -> Loop:
        return self


def test_a_parser_that_hands_over_all_it_was_given_ends(make_engine: MakeEngine) -> None:
    engine = make_engine([("loop", Loop("loop", b"HI"))], chains={"INPUT": []})
    for make in (ask, answer, ask, answer):
        assert engine.process(make(b"HI there")).action is ACCEPT
    assert engine.failures.by_plugin == {}


def test_a_flow_without_payload_has_no_protocol(make_engine: MakeEngine) -> None:
    events: list[dict[str, Any]] = []
    engine = make_engine([("good", Word("good", b"HELLO"))], events=events)
    engine.process(ask())
    engine.close()
    assert [e["app_proto"] for e in events if e["event_type"] == "flow"] == ["none"]


def test_classifiers_see_all_payload_of_unknown_flows_until_they_settle(make_engine: MakeEngine) -> None:
    class Length:
        facts = ("length",)
        heard = b""

        @hookimpl
        def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
            self.heard += data
            return Facts(length=len(self.heard)) if len(self.heard) >= 8 else MORE

    length = Length()
    engine = make_engine([("good", Word("good", b"HELLO")), ("length", length)])
    for data in (b"HE", b"Y", b"you", b"over", b"more"):
        engine.process(ask(data))
    flow = the_flow(engine)
    assert flow.facts == {"length": 10}
    assert length.heard == b"HEYyouover"
    assert engine.fact_state(flow, "length") is YES


def test_classifiers_miss_nothing_where_the_budget_ends_within_a_segment(make_engine: MakeEngine) -> None:
    class Hears:
        heard = b""

        @hookimpl
        def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Answer:
            self.heard += data
            return MORE

    class Segments:
        provides = ("segment",)

        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> None:
            if packet.payload:
                packet.segments = ((0, packet.payload, 0),)

    hears = Hears()
    waits = Word("waits", b"a" * 1000)
    waits.transport = "tcp"
    engine = make_engine([("s", Segments()), ("w", waits), ("h", hears)], detection={"bytes": 100})
    for _ in range(4):
        engine.process(decode(tcp_packet(A, 1, B, 2, seq=1, flags=16, data=b"a" * 70), 1.0))
    assert hears.heard == b"a" * 280


def test_a_dropped_packet_is_taken_back(make_engine: MakeEngine) -> None:
    word = Word("good", b"HELLO")
    engine = make_engine([("good", word)], chains={"INPUT": [{"rule": "flag", "action": "DROP"}]})
    engine.process(ask(b"HE"))
    assert engine.process(ask(b"!X")).action is DROP
    engine.process(ask(b"LLO"))
    assert the_flow(engine).app_proto == "good"


# --- hooks and failures -------------------------------------------------------------------------------------------


def test_a_veto_drops_one_packet_and_is_an_anomaly(make_engine: MakeEngine) -> None:
    class Veto:
        decided: list[str]

        def __init__(self) -> None:
            self.decided = []

        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
            return Drop("veto.bang") if packet.payload == b"!" else None

        @hookimpl
        def pywall_decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
            self.decided.append(verdict.action.value)

    veto = Veto()
    engine = make_engine([("veto", veto)], detection={"all": True})
    class_of = [engine.process(ask(data)).action for data in (b"a", b"!", b"b")]
    assert class_of[:2] == [ACCEPT, DROP] or class_of == [ACCEPT, ACCEPT, ACCEPT]
    events: list[dict[str, Any]] = []
    engine = make_engine([("veto", veto)], chains={"INPUT": [{"rule": "flag", "action": "ACCEPT"}]}, events=events)
    veto.decided.clear()
    assert [engine.process(ask(data)).action for data in (b"a", b"!", b"b")] == [ACCEPT, DROP, ACCEPT]
    assert veto.decided == ["accept", "drop", "accept"]
    assert engine.counters["drop.veto.bang"] == 1
    assert any(event["event_type"] == "anomaly" for event in events)


def test_a_veto_of_the_flow_ends_it(make_engine: MakeEngine) -> None:
    class Veto:
        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
            return Drop("veto.bang", flow=True) if packet.payload == b"!" else None

    engine = make_engine([("veto", Veto())], chains={"INPUT": [{"rule": "flag", "action": "ACCEPT"}]})
    actions = [engine.process(packet).action for packet in (ask(b"a"), ask(b"!"), ask(b"b"), answer(b"c"))]
    assert actions == [ACCEPT, DROP, DROP, DROP]


def recurse() -> None:
    recurse()


FAULTS: dict[str, Callable[[], object]] = {
    "raise": lambda: 1 / 0,
    "exit": lambda: sys.exit(3),
    "memory": lambda: (_ for _ in ()).throw(MemoryError()),
    "recursion": recurse,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", ["packet", "detect", "rule"])
@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [("drop-packet", DROP, ACCEPT), ("drop-flow", DROP, DROP), ("pass-packet", ACCEPT, ACCEPT)],
)
def test_a_plugin_that_fails_costs_what_the_policy_says(
    make_engine: MakeEngine, fault: str, hook: str, policy: str, first: object, second: object
) -> None:
    class Bad:
        transport = "udp"

        if hook == "packet":

            @hookimpl
            def pywall_packet(self, packet: Packet, flow: Flow) -> None:
                if packet.payload == b"boom":
                    FAULTS[fault]()

        if hook == "detect":

            @hookimpl
            def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Answer:
                if client.endswith(b"boom"):
                    FAULTS[fault]()
                return MORE

    chains = {"INPUT": [{"rule": "flag", "action": "ACCEPT"}, {"rule": "app", "name": "bad", "action": "ACCEPT"}]}
    engine = make_engine([("bad", Bad())], chains=chains, failure={"plugin_error": policy})
    if hook == "rule":

        def failing(packet: Packet, flow: Flow) -> Answer:
            engine.chains.asked.packet = True
            if packet.payload == b"boom":
                FAULTS[fault]()
            return NO

        engine.chains.rules["INPUT"][0].match = failing
    assert engine.process(ask(b"fine")).action is ACCEPT
    assert engine.process(ask(b"boom")).action is first
    assert engine.process(ask(b"after")).action is second
    assert engine.process(ask(b"other", sport=7)).action is ACCEPT, "other flows go on"
    assert engine.counters["failure.plugin_error"] == 1


def test_a_plugin_that_keeps_failing_is_quarantined(make_engine: MakeEngine) -> None:
    class Bad:
        transport = "udp"
        protocols = ("bad",)
        asked = 0

        @hookimpl
        def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Answer:
            self.asked += 1
            raise ValueError("no")

    bad = Bad()
    rules = [{"rule": "app", "name": "bad", "action": "DROP"}]
    engine = make_engine([("bad", bad)], chains={"INPUT": rules})
    for n in range(200):
        assert engine.process(ask(b"x", sport=n + 1)).action is DROP
    assert bad.asked == 50
    assert engine.failures.by_plugin["bad"].quarantined


def test_undecodable_packets_follow_their_switch(make_engine: MakeEngine) -> None:
    packet = ask(b"x")
    broken = packet.data[:20] + b"\0"
    assert make_engine().process(decode(broken, 1.0)).action is DROP
    passing = make_engine(failure={"undecodable": "pass-packet"})
    assert passing.process(decode(b"\x45", 1.0)).action is ACCEPT
    assert passing.counters["decoder.ipv4.short"] == 1


def test_a_full_table_follows_its_switch(make_engine: MakeEngine) -> None:
    for policy, expected in (("drop-packet", DROP), ("pass-packet", ACCEPT)):
        engine = make_engine(table={"flows": 16}, failure={"table_full": policy})
        for n in range(16):
            engine.process(ask(sport=n + 1))
            engine.process(answer(dport=n + 1))
        assert engine.process(ask(sport=999)).action is expected
        assert len(engine.flows) <= 16


def test_an_icmp_error_belongs_to_the_flow_it_quotes(make_engine: MakeEngine) -> None:
    engine = make_engine(chains={"INPUT": [{"rule": "port", "dst": 53, "action": "DROP"}], "OUTPUT": []})
    first = ask()
    engine.process(first)
    error = decode(icmp_error(B, first.data), 2.0, 3)
    assert engine.process(error).action is DROP
    assert len(engine.flows) == 1


def test_an_icmp_error_about_nothing_makes_no_entry_for_what_it_quotes(make_engine: MakeEngine) -> None:
    engine = make_engine([("good", Word("good", b"HELLO"))])
    engine.process(decode(icmp_error(B, ask().data), 1.0, 3))
    assert the_flow(engine).proto == 1
    engine.process(ask(b"HELLO"))
    assert sorted(flow.app_proto or "" for flow in engine.flows) == ["good", "icmp"]


def test_a_new_syn_on_a_closed_flow_begins_a_new_one(make_engine: MakeEngine) -> None:
    engine = make_engine()
    engine.process(decode(tcp_packet(A, 1, B, 2, seq=1, flags=2), 1.0))
    flow = the_flow(engine)
    flow.closed = True
    engine.process(decode(tcp_packet(A, 1, B, 2, seq=1, flags=2), 2.0))
    assert the_flow(engine) is not flow


def test_the_rest_of_a_final_flow_costs_no_hook(make_engine: MakeEngine) -> None:
    class Count:
        calls = 0

        @hookimpl
        def pywall_packet(self, packet: Packet, flow: Flow) -> None:
            self.calls += 1

    count = Count()
    engine = make_engine([("count", count)], chains={"INPUT": [{"rule": "always", "action": "ACCEPT"}]}, live=True)
    for n in range(10):
        engine.process(ask(b"x", time=1.0 + n / 10))
    assert count.calls == 1
    assert the_flow(engine).pkts_toserver == 10


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
