"""What is remembered of peers, and what it may and may not do."""

from __future__ import annotations

import json
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.options import Settings
from pywall_hedge.peers import Peers
from pywall_hedge.plugin import Hedge

from pywall_core.api import MORE, NO, TCP, UDP, Answer, Flow, Match, hookimpl
from pywall_core.testing import Conversation, conversation, make_flow
from pywall_core.testing.memory import InMemory, engine

RULE = {"rule": "payload", "is": "encrypted", "peer": True, "action": "DROP"}
CONFIGURATION = {"version": 1, "chains": {"INPUT": [RULE], "OUTPUT": [RULE]}}
UPPER = 5.0


class Greets:
    """Detects "greets" by HELLO, confirmed by the server's OLLEH."""

    protocols = ("greets",)
    transport = "udp"

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client.startswith(b"HELLO"):
            return NO if client else MORE
        return Match("greets", confirmed=server.startswith(b"OLLEH"), done=server.startswith(b"OLLEH"))


def lab() -> InMemory:
    return engine(CONFIGURATION, plugins={"greets": Greets(), "hedge": Hedge(Settings())})


def short(number: int, up: bytes, down: bytes = b"", server: str = "198.51.100.2") -> Conversation:
    talk = conversation("udp", ("192.0.2.1", 20000 + number), (server, 4433), start=1_700_000_000.0 + number)
    return talk.client(up).server(down) if down else talk.client(up)


def run(made: InMemory, talk: Conversation) -> bool:
    """Send a flow and end it; True when a packet of it was dropped."""
    dropped = any(verdict.action.value == "drop" for verdict in made.send(talk.packets()))
    for flow in made.flows:
        made.engine.flows.end(flow, "timeout")
    return dropped


def answered(**attributes: Any) -> Flow:
    return make_flow(proto=TCP, pkts_toclient=3, bytes_toclient=400, start=10.0, last=11.0, **attributes)


def test_a_flow_from_the_middle_adds_nothing_but_what_speaks_against() -> None:
    peers = Peers()
    peers.learn(answered(midstream=True), 3.0, UPPER)
    assert len(peers) == 0
    peers.learn(answered(), 3.0, UPPER)
    peers.learn(answered(midstream=True), -2.0, UPPER)
    assert peers.recall(answered(), UPPER) == 1.0


def test_text_in_front_that_took_nothing_gives_nothing_back() -> None:
    peers, flow = Peers(), answered()
    told = peers.learn(flow, -4.0, UPPER)
    told = peers.learn(flow, 0.8, UPPER, told)
    assert peers.recall(answered(), UPPER) == 0.8
    assert peers.learn(flow, -4.0, UPPER, told) == 0.0
    assert peers.recall(answered(), UPPER) == 0.0


@given(odds=st.lists(st.floats(-9, 9), min_size=1, max_size=20))
def test_a_flow_adds_what_it_says_last(odds: list[float]) -> None:
    peers, flow, told = Peers(), answered(), 0.0
    for own in odds:
        told = peers.learn(flow, own, UPPER, told)
        assert told == pytest.approx(max(min(own, UPPER), 0.0), abs=1e-9)
        assert peers.recall(answered(), 4 * UPPER) == pytest.approx(told, abs=1e-9)


def test_short_flows_to_one_service_are_dropped_sooner_than_to_many() -> None:
    rng = random.Random(1)
    one, many = lab(), lab()
    to_one = [run(one, short(n, rng.randbytes(70), rng.randbytes(70))) for n in range(20)]
    to_many = [run(many, short(n, rng.randbytes(70), rng.randbytes(70), f"198.51.100.{n + 1}")) for n in range(20)]
    assert sum(to_one) > sum(to_many)


def test_the_flow_s_own_bytes_carry_half() -> None:
    peers = Peers()
    for _ in range(50):
        peers.learn(answered(), 40.0, UPPER)
    assert peers.recall(answered(), UPPER) == UPPER / 2


def test_plain_bytes_to_a_peer_that_spoke_ciphertext_pass() -> None:
    rng, made = random.Random(2), lab()
    for n in range(10):
        run(made, short(n, rng.randbytes(400), rng.randbytes(400)))
    assert not run(made, short(50, b"GET status of unit 17, please\r\n" * 9, b"unit 17 is well and running\r\n" * 9))


def test_a_flow_counts_once_and_while_it_lives() -> None:
    peers, flow = Peers(), answered()
    told = peers.learn(flow, 1.0, UPPER)
    told = peers.learn(flow, 1.5, UPPER, told)
    assert (told, peers.recall(answered(), UPPER)) == (1.5, 1.5)
    peers.learn(flow, -2.0, UPPER, told)
    assert len(peers) == 0


def test_a_spoofed_flow_without_an_answer_is_not_remembered() -> None:
    rng, made = random.Random(3), lab()
    for n in range(30):
        run(made, short(n, rng.randbytes(600)))
    assert made.engine.stats()["hedge"]["peers"] == 0 if "hedge" in made.engine.stats() else True
    peers = Peers()
    peers.learn(make_flow(proto=UDP, pkts_toclient=0), 9.0, UPPER)
    peers.learn(make_flow(proto=UDP, pkts_toclient=2, bytes_toclient=56), 9.0, UPPER)
    assert len(peers) == 0


def test_a_confirmed_name_clears_the_peer() -> None:
    rng, made = random.Random(4), lab()
    plugin = next(call.__self__ for name, call in made.engine.plugins.calls("classify") if name == "hedge")
    for n in range(5):
        run(made, short(n, rng.randbytes(300), rng.randbytes(300)))
    assert len(plugin.peers) == 1
    run(made, short(9, b"HELLO" + rng.randbytes(900), b"OLLEH" + rng.randbytes(900)))
    assert len(plugin.peers) == 0


def test_a_network_behind_one_address_keeps_its_honest_clients() -> None:
    rng, made = random.Random(5), lab()
    text = b"".join(b"reading %d: %d degrees, all well\n" % (n, n % 40) for n in range(400))
    lost = 0
    for n in range(50):
        if n % 5 == 0:
            run(made, short(n, rng.randbytes(500), rng.randbytes(500)))
        else:
            lost += run(made, short(n, b"upload\n" + text[n : n + 900], zlib.compress(text)[:700]))
    assert lost == 0


def test_it_is_bounded_in_number_and_time() -> None:
    peers = Peers(limit=3, seconds=100.0)
    for port in range(10):
        peers.learn(answered(dport=port), 3.0, UPPER)
    assert len(peers) == 3
    assert peers.recall(answered(dport=9), UPPER) == UPPER / 2
    late = answered(dport=9)
    late.start = 500.0
    assert peers.recall(late, UPPER) == 0.0
    assert len(peers) == 2


def test_without_a_rule_that_asks_nothing_is_remembered() -> None:
    rule = {"rule": "payload", "is": "encrypted", "action": "DROP"}
    plugin = Hedge(Settings())
    made = engine({"version": 1, "chains": {"INPUT": [rule]}}, plugins={"hedge": plugin})
    run(made, short(1, random.Random(6).randbytes(300), random.Random(7).randbytes(300)))
    assert plugin.peers is None


def test_what_is_remembered_survives_a_reload() -> None:
    before, after = Peers(), Peers()
    flow, other = answered(dport=4433), answered(dport=4434)
    before.learn(flow, 2.0, UPPER)
    after.load(json.loads(json.dumps(before.save())))
    assert after.recall(flow, UPPER) == 2.0
    assert after.recall(other, UPPER) == 0.0
    after.learn(flow, 0.4, UPPER)
    after.load(before.save())  # a second worker's, or the same again: no evidence counts twice
    assert after.recall(flow, UPPER) == 2.4


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(), st.lists))
def test_a_hostile_state_is_left_out(state: Any) -> None:
    peers = Peers()
    peers.load(state)
    assert len(peers) == 0


@given(
    st.lists(st.integers() | st.floats() | st.sampled_from(["c0000201", "c6336402", "zz", ""]), min_size=6, max_size=6)
)
def test_only_entries_that_keep_to_the_form_are_taken(entry: list[Any]) -> None:
    peers = Peers(limit=3)
    peers.load([entry] * 9)
    for _, _, port, proto, odds, time in peers.save():
        assert 0 <= port < 65536
        assert 0 <= proto < 256
        assert 0 < odds <= 100
        assert time == time  # no NaN
    assert len(peers) <= 1


def test_the_rule_has_it_kept() -> None:
    made = lab()
    assert "hedge.peers" in made.engine.kept_state.save()
