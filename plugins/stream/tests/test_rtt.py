"""Round-trip times of handshakes and first answers."""

from __future__ import annotations

from typing import Any

import pytest
from pywall_stream.rtt import RoundTrips

from pywall_core.api import ACK, PSH, RST, SYN, decode
from pywall_core.testing import engine, tcp_packet, udp_packet

C, S = ("192.0.2.1", 1000), ("192.0.2.2", 80)
Step = tuple[float, bool, int, bytes]
HANDSHAKE: list[Step] = [(0.0, True, SYN, b""), (0.030, False, SYN | ACK, b""), (0.035, True, ACK, b"")]
ASKED: list[Step] = [*HANDSHAKE, (0.040, True, ACK | PSH, b"hello"), (0.140, False, ACK | PSH, b"there")]


def run(steps: list[Step], policy: Any = None) -> Any:
    lab = engine(policy or {"plugins": ["rules", "stream", "rtt"]})
    sent = {True: 0, False: 0}
    packets = []
    for time, to_server, flags, data in steps:
        mine, theirs = (C, S) if to_server else (S, C)
        seq, ack = 100 + sent[to_server], 100 + sent[not to_server]
        raw = tcp_packet(*mine, *theirs, seq=seq, ack=ack if flags & ACK else 0, flags=flags, data=data)
        packets.append(decode(raw, time, 1 if to_server else 3))
        sent[to_server] += len(data) + bool(flags & SYN)
    lab.send(packets)
    return lab


def test_a_connection_has_all_of_them() -> None:
    assert run(ASKED).flows[0].facts == {
        "tcp.rtt_server": 30.0,
        "tcp.rtt_client": 5.0,
        "tcp.rtt": 35.0,
        "answer.delay": 100.0,
    }


def test_a_repeated_syn_gives_none() -> None:
    facts = (
        run([(0.0, True, SYN, b""), (1.0, True, SYN, b""), *((1 + t, *rest) for t, *rest in HANDSHAKE[1:])])
        .flows[0]
        .facts
    )
    assert facts == {}


def test_a_server_that_speaks_first_answers_nobody() -> None:
    steps = [*HANDSHAKE, (0.050, False, ACK | PSH, b"220 hi\r\n"), (0.060, True, ACK | PSH, b"HELO x\r\n")]
    assert "answer.delay" not in run(steps).flows[0].facts


def test_the_middle_of_a_connection_and_a_refused_one_have_none() -> None:
    assert "tcp.rtt" not in run([(0.0, True, ACK | PSH, b"x"), (0.1, False, ACK, b"")]).flows[0].facts
    assert run([(0.0, True, SYN, b""), (0.1, False, RST | ACK, b"")]).flows[0].facts == {}


def test_datagrams_have_the_delay_of_their_answer() -> None:
    lab = engine({"plugins": ["rtt"]})
    ask, answer = udp_packet(*C, *S, b"who?"), udp_packet(*S, *C, b"me")
    lab.send([decode(ask, 1.0, 1), decode(answer, 1.25, 3), decode(answer, 9.0, 3)])
    assert lab.flows[0].facts == {"answer.delay": 250.0}


@pytest.mark.parametrize(("most", "action"), [(20, "accept"), (40, "drop")])
def test_rules_ask_for_them(most: int, action: str) -> None:
    policy = {
        "plugins": ["rules", "stream", "rtt"],
        "chains": {"INPUT": [{"rule": "fact", "name": "tcp.rtt", "most": most, "action": "DROP"}]},
    }
    lab = run([*HANDSHAKE, (0.040, True, ACK | PSH, b"hello"), (0.050, True, ACK | PSH, b"again")], policy)
    lab.close()
    assert lab.events[-1]["verdict"]["action"] == action
    assert set(RoundTrips.facts) >= {"tcp.rtt", "answer.delay"}
