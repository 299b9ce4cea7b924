"""Ordinary connections: states of both ends, bytes in order, what the core is told."""

from __future__ import annotations

import pytest

from pywall_core.api import ACK, FIN, PSH, RST, SYN
from pywall_core.testing import conversation


def test_bytes_of_both_sides_are_handed_on_in_order(wire):
    assert wire.client(b"hello ") is None
    assert wire.server(b"yes") is None
    assert wire.client(b"world") is None
    assert (wire.read(True), wire.read(False)) == (b"hello world", b"yes")


def test_states_of_a_connection_from_open_to_close(make_wire):
    wire = make_wire()
    seen = []

    def step(result):
        assert result is None
        seen.append(wire.states)

    step(wire.client(flags=SYN))
    step(wire.server(flags=SYN | ACK))
    step(wire.client())
    step(wire.client(flags=FIN | ACK))
    step(wire.server(ack=1))
    step(wire.server(flags=FIN | ACK, ack=1))
    step(wire.client(at=1, ack=1))
    assert seen == [
        ("SYN_SENT1", "SYN_RCVD1"),
        ("SYN_SENT2", "SYN_RCVD2"),
        ("ESTABLISHED", "ESTABLISHED"),
        ("FIN_WAIT_1", "CLOSE_WAIT1"),
        ("FIN_WAIT_2", "CLOSE_WAIT2"),
        ("FIN_WAIT_3", "LAST_ACK"),
        ("TIME_WAIT", "CLOSED"),
    ]
    assert (wire.flow.state, wire.flow.share, wire.flow.closed) == ("closed", "closed", True)


def test_simultaneous_close(wire):
    assert wire.client(flags=FIN | ACK) is None
    assert wire.server(flags=FIN | ACK) is None
    assert wire.states == ("CLOSING", "CLOSING")
    assert wire.client(at=1, ack=1) is None
    assert wire.server(at=1, ack=1) is None
    assert set(wire.states) <= {"TIME_WAIT", "CLOSED"}
    assert wire.flow.closed


def test_simultaneous_open(make_wire):
    wire = make_wire()
    assert wire.client(flags=SYN) is None
    assert wire.server(flags=SYN) is None
    assert wire.states == ("SYN_SENT3", "SYN_SENT3")
    assert wire.client(flags=SYN | ACK) is None
    assert wire.server(flags=SYN | ACK) is None
    assert wire.client(b"hello") is None
    assert wire.server(b"there") is None
    assert wire.states == ("ESTABLISHED", "ESTABLISHED")
    assert (wire.read(True), wire.read(False)) == (b"hello", b"there")


def test_half_duplex_close_lets_the_other_side_go_on(wire):
    assert wire.client(b"request", flags=FIN | ACK) is None
    for number in range(5):
        assert wire.server(b"%d" % number, ack=8) is None
        assert wire.client(at=8) is None
    assert wire.read(False) == b"01234"
    assert wire.flow.state == "established"


def test_refused_connection_is_closed(make_wire):
    wire = make_wire()
    wire.client(flags=SYN)
    assert wire.server(flags=RST | ACK) is None
    assert wire.states == ("CLOSED", "CLOSED")
    assert wire.flow.closed


def test_a_new_syn_after_the_end_is_a_flow_of_its_own(wire):
    wire.client(flags=RST)
    old = wire.flow.id
    wire.isn[True] = 777_777
    wire.sent = {True: 0, False: 0}
    wire.handshake()
    assert wire.flow.id != old
    assert wire.client(b"again") is None


@pytest.mark.parametrize("flags", [ACK, ACK | PSH, ACK | FIN])
def test_data_on_the_handshakes_last_segment(make_wire, flags):
    wire = make_wire()
    wire.client(flags=SYN)
    wire.server(flags=SYN | ACK)
    assert wire.client(b"early", flags=flags) is None
    assert wire.read() == b"early"
    assert wire.states[0] == ("FIN_WAIT_1" if flags & FIN else "ESTABLISHED")


def test_sequence_numbers_wrap(make_wire):
    wire = make_wire()
    wire.isn = {True: 2**32 - 3, False: 2**32 - 1}
    wire.handshake()
    for letter in b"abcdefgh":
        assert wire.client(bytes([letter])) is None
        assert wire.server(bytes([letter])) is None
    assert wire.read(True) == wire.read(False) == b"abcdefgh"


def test_shares_and_timeouts(make_wire):
    timeouts = {"new": 5, "established": 100, "closing": 20, "closed": 3}
    wire = make_wire(options={"timeouts": timeouts})
    wire.client(flags=SYN)
    assert (wire.flow.share, wire.flow.timeout) == ("new", 5)
    wire.server(flags=SYN | ACK)
    assert (wire.flow.share, wire.flow.timeout) == ("new", 5)
    wire.client()
    assert (wire.flow.share, wire.flow.timeout) == ("established", 100)
    wire.client(flags=FIN | ACK)
    assert (wire.flow.share, wire.flow.timeout) == ("established", 20)
    wire.server(flags=RST, at=0)
    assert (wire.flow.share, wire.flow.timeout) == ("closed", 3)


def test_unacknowledged_bytes_keep_the_verdict_open(make_wire):
    wire = make_wire(detect=True).handshake()
    assert wire.client(b"SEC") is None
    assert wire.flow.tcp.unacked
    assert wire.server() is None
    assert not wire.flow.tcp.unacked


def test_a_dropped_packet_leaves_no_trace(make_wire):
    wire = make_wire(chains={"INPUT": [{"rule": "begins", "text": "bad", "action": "DROP"}]}, detect=True).handshake()
    assert wire.client(b"bad!", at=0) == "INPUT[0]"
    assert not wire.flow.tcp.unacked
    assert wire.client(b"good", at=0) is None
    assert wire.client(b"badly", at=0) == "stream.overlap_conflict"
    assert wire.client(b"bad", at=6) == "INPUT[0]"
    assert wire.client(b"worse", at=6) is None
    assert wire.client(b", ", at=4) is None
    assert wire.read() == b"good, worse"


def test_a_rule_sees_the_state_before_the_packet(make_wire):
    wire = make_wire(chains={"INPUT": [{"rule": "server-is", "in": "CLOSED", "action": "DROP"}]})
    for _ in range(3):
        assert wire.client(flags=SYN) == "INPUT[0]"
    wire = make_wire(chains={"INPUT": [{"rule": "server-is", "in": "CLOSED", "action": "DROP"}]})
    assert wire.client(b"midstream") == "INPUT[0]"
    assert wire.states == ("CLOSED", "CLOSED")


def test_every_transformation_of_the_test_kit_gives_the_same_bytes(make_wire):
    talk = conversation().client(b"GET / HTTP/1.1\r\n\r\n" * 20).ack().server(b"HTTP/1.1 200 OK\r\n\r\n" * 20).ack()
    expected = b"GET / HTTP/1.1\r\n\r\n" * 20, b"HTTP/1.1 200 OK\r\n\r\n" * 20
    for changed in (talk, talk.split(1), talk.split(7).reorder(), talk.split(100).duplicate(), talk.close().split(50)):
        wire = make_wire()
        for packet in changed.packets():
            assert wire.engine.process(packet).action.value == "accept"
        assert (wire.read(True), wire.read(False)) == expected
