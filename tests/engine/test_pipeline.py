"""The way of one packet, in the order of the pipeline's steps; with plugins of a few lines."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import (
    ACCEPT,
    DROP,
    MORE,
    NO,
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
from pywall_core.testing import icmp_error, tcp_packet

from ..toy_engine import A, B, MakeEngine, Word, answer, ask, the_flow

# --- 2. fragments and errors --------------------------------------------------------------------------------------


def test_undecodable_packets_follow_their_switch(make_engine: MakeEngine) -> None:
    packet = ask(b"x")
    broken = packet.data[:20] + b"\0"
    assert make_engine().process(decode(broken, 1.0)).action is DROP
    passing = make_engine(failure={"undecodable": "pass-packet"})
    assert passing.process(decode(b"\x45", 1.0)).action is ACCEPT
    assert passing.counters["decoder.ipv4.short"] == 1


# --- 3. the flow --------------------------------------------------------------------------------------------------


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


ACCEPTED = [{"rule": "always", "action": "ACCEPT"}]


class Carried:
    """An engine with one connection from A to B that has a final ACCEPT; B is this machine."""

    def __init__(self, make_engine: MakeEngine, *, offload: bool = True, content: bool = True) -> None:
        chains = {"INPUT": ACCEPTED, "OUTPUT": ACCEPTED, "FORWARD": [{"rule": "always", "action": "DROP"}]}
        self.engine = make_engine(chains=chains, live=True, queue={"offload": offload})
        self.send(1, flags=2)
        self.flow = the_flow(self.engine)
        self.answer(100, flags=18)
        if content:
            self.flow.own_detection().payload_seen = True
        assert self.flow.cache.released

    def send(self, seq: int, flags: int = 16, data: bytes = b"", now: float = 2.0) -> tuple[bool, int]:
        """A packet of A: does it pass, and in how many directions does the kernel carry what follows."""
        return self._process(tcp_packet(A, 1, B, 2, seq=seq, flags=flags, data=data), 1, now)

    def answer(self, seq: int, flags: int = 16, data: bytes = b"", now: float = 2.0) -> tuple[bool, int]:
        """A packet of B at OUTPUT."""
        return self._process(tcp_packet(B, 2, A, 1, seq=seq, flags=flags, data=data), 3, now)

    def _process(self, data: bytes, hook: int, now: float) -> tuple[bool, int]:
        packet = decode(data, now, hook)
        verdict = self.engine.process(packet)
        return verdict.action is ACCEPT, self.engine.offloadable(packet, verdict)


@pytest.mark.parametrize("offload", [True, False])
@pytest.mark.parametrize("seq", [1, 9999])
def test_an_answered_syn_on_a_released_flow_begins_a_new_one(make_engine: MakeEngine, offload: bool, seq: int) -> None:
    carried = Carried(make_engine, offload=offload)
    assert carried.send(5, data=b"x") == (True, 2)
    # without its end, which the kernel has carried, or nobody has seen
    assert carried.send(seq, flags=2) == (True, 0)
    assert the_flow(carried.engine) is carried.flow
    assert carried.send(6, data=b"old") == (True, 0), "the kernel would carry the new connection with it"
    assert carried.answer(101) == (True, 0), "a challenge ACK"
    assert the_flow(carried.engine) is carried.flow
    assert carried.answer(700, flags=18)[0]
    new = the_flow(carried.engine)
    assert new is not carried.flow
    assert (new.initiator, new.sport, new.pkts_toserver, new.pkts_toclient) == ("remote", 1, 1, 1)
    assert carried.send(seq + 1) == (True, 2)


def test_syns_of_anybody_neither_end_nor_cut_a_released_flow(make_engine: MakeEngine) -> None:
    carried = Carried(make_engine)
    to_this_host = tcp_packet(A, 1, B, 2, seq=77, flags=2)
    for n in range(3):
        assert carried.send(50 + n, flags=2)[1] == 0
    spoofed = tcp_packet(B, 2, A, 1, seq=99, flags=2)  # of the server's side, as a router sees it
    carried.engine.process(decode(spoofed, 2.0, 2))
    carried.engine.process(decode(to_this_host, 2.0, 2))
    assert the_flow(carried.engine) is carried.flow
    assert carried.send(5, data=b"x")[0]
    assert carried.answer(101, data=b"y")[0]
    assert the_flow(carried.engine) is carried.flow
    # nobody has answered: the kernel carries it again
    for now in range(3, 300, 5):
        carried.engine.advance(float(now))
        carried.send(6, data=b"x", now=float(now))
    assert carried.send(7, data=b"x", now=300.0) == (True, 2)
    assert carried.engine.counters["flows.ended.timeout"] == 2


def test_a_reset_and_a_syn_of_anybody_do_not_end_a_released_flow(make_engine: MakeEngine) -> None:
    carried = Carried(make_engine)
    carried.send(4242, flags=4)
    carried.send(50, flags=2)
    assert carried.send(5, data=b"x")[0]
    assert the_flow(carried.engine) is carried.flow


def test_a_denied_syn_on_a_released_flow_is_dropped_alone(make_engine: MakeEngine) -> None:
    """And the kernel never keeps its verdict on the connection."""
    chains = {"INPUT": [{"rule": "always", "action": "ACCEPT"}], "FORWARD": [{"rule": "always", "action": "DROP"}]}
    engine = make_engine(chains=chains, live=True)
    first = decode(tcp_packet(A, 1, B, 2, seq=1, flags=2), 1.0)
    assert engine.offloadable(first, engine.process(first))
    flow = the_flow(engine)
    syn = decode(tcp_packet(A, 1, B, 2, seq=9, flags=2), 1.5, 2)
    verdict = engine.process(syn)
    assert (verdict.action, verdict.final, engine.offloadable(syn, verdict)) == (DROP, True, 0)
    assert engine.process(decode(tcp_packet(A, 1, B, 2, seq=2, data=b"x"), 2.0)).action is ACCEPT
    assert the_flow(engine) is flow


def test_a_repeated_handshake_begins_no_new_flow(make_engine: MakeEngine) -> None:
    carried = Carried(make_engine, content=False)
    assert carried.send(1, flags=2) == (True, 2)
    assert carried.answer(100, flags=18) == (True, 2)
    assert the_flow(carried.engine) is carried.flow


def test_of_two_syns_the_answered_one_begins_the_flow(make_engine: MakeEngine) -> None:
    """A simultaneous open, or somebody who sends one in the server's name beside the client's own."""
    carried = Carried(make_engine)
    carried.send(50, flags=2)
    carried.engine.process(decode(tcp_packet(B, 2, A, 1, seq=99, flags=2), 2.0, 3))
    carried.answer(700, flags=18)
    new = the_flow(carried.engine)
    assert new is not carried.flow
    assert (new.initiator, new.sport) == ("remote", 1)


def test_a_syn_takes_the_place_of_a_released_flow_that_ends(make_engine: MakeEngine) -> None:
    """Conntrack says that the old connection is over when it has seen the SYN."""
    carried = Carried(make_engine)
    carried.send(50, flags=2)
    carried.engine.flows.end(carried.flow, "closed")
    new = the_flow(carried.engine)
    assert new is not carried.flow
    carried.answer(700, flags=18)
    assert the_flow(carried.engine) is new
    assert carried.send(51) == (True, 2)
    carried.send(60, flags=2)
    carried.engine.flows.end(new, "evicted")
    assert len(carried.engine.flows) == 0


def test_on_lo_one_syn_passes_two_hooks_and_begins_one_flow(make_engine: MakeEngine) -> None:
    engine = make_engine(live=True, queue={"loopback": True})
    packet = tcp_packet(A, 1, A, 2, seq=1, flags=2)
    engine.process(decode(packet, 1.0, 3, "", "lo"))
    flow = the_flow(engine)
    engine.process(decode(packet, 1.0, 1, "lo"))
    assert the_flow(engine) is flow


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


# --- 4. packet hooks and their vetoes -----------------------------------------------------------------------------


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


# --- 5. detection -------------------------------------------------------------------------------------------------


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


# --- 6. the chain, and plugins that fail --------------------------------------------------------------------------


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


# --- 8. what a dropped packet taught ------------------------------------------------------------------------------


def test_a_dropped_packet_is_taken_back(make_engine: MakeEngine) -> None:
    word = Word("good", b"HELLO")
    engine = make_engine([("good", word)], chains={"INPUT": [{"rule": "flag", "action": "DROP"}]})
    engine.process(ask(b"HE"))
    assert engine.process(ask(b"!X")).action is DROP
    engine.process(ask(b"LLO"))
    assert the_flow(engine).app_proto == "good"
