"""Where the kernel lets bare acknowledgements pass unseen, the stream is the same, and nothing more is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pywall_core.api import ACK, FIN, PSH, SYN


@pytest.fixture
def half_open(make_wire):
    """Its handshake's last segment passed unseen."""
    wire = without_bare_acks(make_wire())
    assert wire.client(flags=SYN) is None
    assert wire.server(flags=SYN | ACK) is None
    return wire


def without_bare_acks(wire):
    wire.stream._tracker.validator.misses_bare_acks = True
    return wire


def test_a_server_may_speak_first(half_open):
    assert half_open.server(b"220 ready\r\n", ack=0) is None
    assert half_open.client(b"EHLO\r\n") is None
    assert half_open.states == ("ESTABLISHED", "ESTABLISHED")
    assert (half_open.read(False), half_open.read(True)) == (b"220 ready\r\n", b"EHLO\r\n")


def test_a_first_segment_of_the_client_ends_the_handshake(half_open):
    assert half_open.client(b"hello") is None
    assert half_open.states == ("ESTABLISHED", "ESTABLISHED")
    assert half_open.flow.share == "established"


@pytest.mark.parametrize("misses", [False, True])
def test_a_window_that_opened_unseen_is_used(make_wire, misses):
    wire = make_wire()
    wire.stream._tracker.validator.misses_bare_acks = misses
    assert wire.client(flags=SYN) is None
    assert wire.server(flags=SYN | ACK, window=1000) is None
    assert wire.client(bytes(800)) is None
    # here the server has acknowledged 800 bytes and offered more
    assert wire.client(bytes(800)) == (None if misses else "stream.window")


def test_what_nobody_acknowledged_is_not_believed(make_wire):
    wire = without_bare_acks(make_wire(detect=True))
    wire.client(flags=SYN)
    wire.server(flags=SYN | ACK)
    assert wire.client(b"SECRET") is None
    assert wire.flow.tcp.unacked
    assert wire.server(b"answer") is None
    assert not wire.flow.tcp.unacked


def test_the_first_copy_wins_though_its_acknowledgement_was_not_seen(half_open):
    assert half_open.client(b"GET /good") is None
    assert half_open.client(b"GET /evil", at=0) == "stream.overlap_conflict"
    assert half_open.read(True) == b"GET /good"


def test_a_second_answer_to_the_syn_does_not_outlive_the_clients_first_word(half_open):
    """The client has acknowledged the first one, unseen; what a server sends as if the second counted stops there."""
    half_open.isn[False] = 9000
    half_open.server(flags=SYN | ACK, ack=0)
    half_open.isn[False] = 5000
    assert half_open.client(b"hello") is not None


def test_a_port_may_be_used_again_though_the_last_acknowledgement_was_not_seen(half_open):
    assert half_open.client(b"hello") is None
    assert half_open.server(b"bye") is None
    assert half_open.server(flags=FIN | ACK) is None
    assert not half_open.flow.closed
    assert half_open.client(flags=FIN | ACK, ack=4) is None
    assert (half_open.flow.closed, half_open.flow.share) == (True, "closed")
    old, half_open.isn, half_open.sent = half_open.flow.id, {True: 70_000, False: 90_000}, {True: 0, False: 0}
    assert half_open.client(flags=SYN) is None
    assert half_open.flow.id != old
    assert half_open.server(flags=SYN | ACK) is None
    assert half_open.client(b"again") is None
    assert half_open.states == ("ESTABLISHED", "ESTABLISHED")


def test_a_syn_behind_both_fins_does_not_let_the_old_connection_go_on(half_open):
    """The server may not have got the client's FIN: what it sends belongs to no connection that is followed."""
    assert half_open.client(b"hello") is None
    assert half_open.server(flags=FIN | ACK) is None
    assert half_open.client(flags=FIN | ACK, ack=1) is None
    half_open.isn[True] = 70_000
    half_open.sent[True] = 0
    assert half_open.client(flags=SYN) is None
    half_open.isn[True] = 1000
    assert half_open.client(b"more", at=5) is not None
    assert half_open.server(b"more", at=0) is not None


def test_what_was_never_sent_cannot_be_acknowledged(half_open):
    assert half_open.client(b"hello", ack=1) == "stream.bad_ack"


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=12)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_the_same_bytes_are_read_with_and_without_bare_acks(make_wire, conversation):
    whole, other = make_wire(), without_bare_acks(make_wire())
    for wire in (whole, other):
        assert wire.client(flags=SYN) is None
        assert wire.server(flags=SYN | ACK) is None
    assert whole.client() is None
    for to_server, size in conversation:
        assert whole.send(to_server, bytes(size), flags=ACK | PSH) is None
        if size:
            assert other.send(to_server, bytes(size), flags=ACK | PSH) is None
    for wire in (whole, other):
        assert wire.client(flags=FIN | ACK) is None
        assert wire.server(flags=FIN | ACK, ack=wire.sent[True] + 1) is None
        assert wire.client(at=wire.sent[True] + 1, ack=wire.sent[False] + 1) is None
    assert (whole.read(True), whole.read(False)) == (other.read(True), other.read(False))
    assert whole.states == other.states
