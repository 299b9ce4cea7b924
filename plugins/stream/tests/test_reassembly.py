"""Any cutting, order, repetition: the bytes handed on are those that were sent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_stream.direction import StreamDirection
from pywall_stream.pending import PendingUpdate
from pywall_stream.reassembly import stage_in_order

from pywall_core.api import ACK, FIN
from pywall_core.testing import tcp_packet


@st.composite
def deliveries(draw):
    """A stream, and segments ``(at, length)`` of it: all of it several times over, cut anew each time, in any order."""
    stream = draw(st.binary(min_size=1, max_size=300))
    segments = []
    for _ in range(draw(st.integers(1, 3))):
        cuts = sorted(draw(st.sets(st.integers(1, len(stream) - 1), max_size=20))) if len(stream) > 1 else []
        edges = [0, *cuts, len(stream)]
        segments += [(a, b - a) for a, b in pairwise(edges)]
    return stream, draw(st.permutations(segments))


@settings(max_examples=150, deadline=None)
@given(delivery=deliveries(), isn=st.sampled_from([0, 1000, 2**31 - 100, 2**32 - 150, 2**32 - 1]), data=st.data())
def test_any_delivery_gives_the_stream(make_wire, delivery, isn, data):
    stream, segments = delivery
    wire = make_wire(live=data.draw(st.booleans()))
    wire.isn[True] = isn
    wire.handshake()
    received = set()
    for at, length in segments:
        assert wire.client(stream[at : at + length], at=at) is None
        received.update(range(at, at + length))
        in_order = next(i for i in range(len(stream) + 1) if i not in received)
        assert wire.read() == stream[:in_order]
        if data.draw(st.booleans()):
            assert wire.server(ack=in_order) is None
    assert wire.read() == stream
    wire.server(ack=len(stream))
    assert not wire.flow.tcp.unacked
    assert wire.stream.pywall_stats()["buffered"] == 0


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_conflicting_copies_leave_one_reading(make_wire, data):
    """Whatever passes agrees, byte by byte, with what passed before and was not acknowledged."""
    wire = make_wire().handshake()
    passed: dict[int, int] = {}
    acked = 0
    for _ in range(data.draw(st.integers(5, 40))):
        at = data.draw(st.integers(0, 30))
        raw = data.draw(st.binary(min_size=1, max_size=12).map(lambda b: bytes(x & 1 for x in b)))
        conflict = any(passed.get(at + i, byte) != byte for i, byte in enumerate(raw) if at + i >= acked)
        result = wire.client(raw, at=at)
        if at + len(raw) <= acked:
            assert result is None
            continue
        assert result == ("stream.overlap_conflict" if conflict else None)
        if not conflict:
            for i, byte in enumerate(raw):
                passed.setdefault(at + i, byte)
        in_order = next(i for i in range(100) if i not in passed)
        assert wire.read() == bytes(passed[i] for i in range(in_order))
        if data.draw(st.integers(0, 3)) == 0:
            acked = in_order
            assert wire.server(ack=acked) is None


@settings(max_examples=100, deadline=None)
@given(delivery=deliveries(), lost=st.sets(st.integers(0, 299)))
def test_a_lossy_capture_reports_every_byte_or_a_gap(make_wire, delivery, lost):
    stream, segments = delivery
    wire = make_wire(live=False).handshake()
    for at, length in segments:
        if not any(at <= byte < at + length for byte in lost):
            assert wire.client(stream[at : at + length], at=at) is None
    assert wire.server(ack=len(stream)) is None
    assert wire.client(b"end", at=len(stream)) is None
    delivered = wire.read()
    assert len(delivered) + wire.gaps == len(stream) + 3
    assert delivered.endswith(b"end")
    remaining = iter(stream + b"end")
    assert all(byte in remaining for byte in delivered)


def test_a_hole_that_nobody_acknowledged_waits(make_wire):
    wire = make_wire(live=False).handshake()
    assert wire.client(b"late", at=100) is None
    assert wire.server(b"something", ack=0) is None
    assert wire.read() == b""


def test_a_hole_that_the_receiver_acknowledged_is_a_gap(make_wire):
    wire = make_wire(live=False).handshake()
    assert wire.client(b"late", at=100) is None
    assert wire.server(ack=104) is None
    assert wire.client(b"next", at=104) is None
    assert wire.read() == b"latenext"
    assert wire.gaps == 100


def test_live_nobody_can_acknowledge_what_never_passed(wire):
    assert wire.client(b"late", at=100) is None
    assert wire.server(ack=104) == "stream.bad_ack"
    assert wire.server(ack=105) == "stream.bad_ack"


def test_live_with_a_queue_that_fails_open_what_is_acknowledged_is_believed(make_wire):
    wire = make_wire(failure={"queue_full": "accept"}).handshake()
    assert wire.client(b"late", at=100) is None
    assert wire.server(ack=104) is None
    assert wire.client(b"next", at=104) is None
    assert wire.read() == b"latenext"


def test_a_truncated_packet_leaves_a_gap(make_wire):
    wire = make_wire(live=False).handshake()
    whole = tcp_packet(*wire.addresses[0], *wire.addresses[1], seq=1001, ack=5001, data=bytes(range(100)))
    assert wire.put(whole[:90]) is None
    assert wire.read() == bytes(range(50))
    assert wire.client(b"next", at=100) is None
    assert wire.read() == bytes(range(50)) + b"next"
    assert wire.gaps == 50


def test_a_stream_longer_than_the_sequence_space():
    direction = StreamDirection(7)
    direction.seen = True
    position = 1
    for _ in range(5):
        direction.next = direction.top = direction.acked = position
        seq = (7 + position) % 2**32
        assert direction.position(seq) == position
        assert direction.position((seq + 10) % 2**32) == position + 10
        assert direction.position_of_ack((seq - 10) % 2**32) == position - 10
        update = PendingUpdate(direction, StreamDirection(0))
        stage_in_order(update, direction.new_pieces(position, b"abc"), -1, -1)
        assert update.segments == ((position - 1, b"abc", 0),)
        position += 2**31 - 5


def test_offload_segments_of_64_kib(make_wire):
    wire = make_wire(options={"checksum": "off"})
    wire.handshake(options=bytes([3, 3, 7, 1]))
    big = bytes(range(256)) * 255
    assert wire.client(big) is None
    assert wire.server() is None
    assert wire.client(big) is None
    assert wire.read() == big * 2


def test_zero_window_probe_of_one_byte(make_wire):
    wire = make_wire().handshake()
    wire.client(b"a" * 100)
    assert wire.server(window=0) is None
    wire.sent[True] = 65_535
    for at in range(100, 65_535, 5_000):
        wire.client(b"b" * min(5_000, 65_535 - at), at=at)
    wire.server(window=0, ack=65_535)
    assert wire.client(b"c", at=65_535) is None
    assert wire.client(b"cd", at=65_535) == "stream.window"
    wire.server(window=1000, ack=65_535)
    assert wire.client(b"cd", at=65_535) is None
    assert wire.read().endswith(b"bcd")


@pytest.mark.parametrize("data", [b"", b"tail"])
def test_repeated_fins_pass(wire, data):
    assert wire.client(data, at=0, flags=FIN | ACK) is None
    assert wire.client(data, at=0, flags=FIN | ACK) is None
    assert wire.server(ack=len(data) + 1) is None
    assert wire.client(data, at=0, flags=FIN | ACK) is None
    assert wire.read() == data


def test_bytes_that_nobody_looks_at_any_more_are_not_held(make_wire):
    wire = make_wire(detect=True, listen=False).handshake()
    assert wire.client(b"SEC") is None
    assert wire.client(b"rets", at=3) is None
    assert wire.flow.app_proto == "unknown"
    assert wire.client(b"S", at=3) == "stream.overlap_conflict"  # detectors were shown another byte
    assert wire.server(ack=7) is None
    assert wire.client(b"spoilt on the way", at=7) is None
    assert wire.stream.pywall_stats()["buffered"] == 0
    assert wire.client(b"sent once again..", at=7) is None
    assert wire.server(ack=24) is None
    assert wire.states == ("ESTABLISHED", "ESTABLISHED")
