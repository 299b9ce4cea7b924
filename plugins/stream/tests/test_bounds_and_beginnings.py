"""Connections whose start was not seen, captures, memory bounds, and input of any kind."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_stream.checksum import CaptureChecksums, checksum_valid, partial
from pywall_stream.options import Options, parse_options
from pywall_stream.settings import StreamOptions

from pywall_core.api import ACK, FIN, PSH, RST, SYN, decode
from pywall_core.testing import engine, tcp_packet

V6 = ("2001:db8::1", 40000), ("2001:db8::2", 443)
V4 = ("192.0.2.1", 40000), ("198.51.100.2", 443)


# --- midstream ---


@pytest.mark.parametrize("live", [True, False])
def test_midstream_is_inspected_from_here(make_wire, live):
    wire = make_wire(live=live, detect=True)
    assert wire.client(b"SECRET", at=500, ack=70) is None
    assert wire.flow.midstream
    assert wire.flow.share == "new"
    assert wire.server(b"reply", at=70, ack=506) is None
    assert wire.flow.share == "established"
    assert wire.states == ("ESTABLISHED", "ESTABLISHED")
    assert wire.client(b" more", at=506, ack=75) is None
    assert (wire.read(True), wire.read(False)) == (b"SECRET more", b"reply")
    assert wire.flow.app_proto == "secret"


def test_midstream_bytes_under_way_when_the_firewall_started(make_wire):
    wire = make_wire()
    assert wire.client(ack=0, at=0) is None
    assert wire.server(b"seen", at=3000) is None
    assert wire.client(ack=3004, at=0) is None
    assert wire.server(b"next", at=3004) is None
    assert wire.read(False) == b"seennext"


def test_midstream_drop_flow(make_wire):
    wire = make_wire(failure={"midstream": "drop-flow"})
    assert wire.client(b"data", at=500) == "stream.midstream"
    assert wire.server(b"data", at=500) == "stream.midstream"
    wire.time += 4000
    wire.sent = {True: 0, False: 0}
    wire.handshake()


@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_midstream_a_syn_of_the_side_not_seen_yet_moves_nothing(make_wire, flags):
    wire = make_wire(detect=True)
    wire.addresses = wire.addresses[::-1]  # the one who speaks first is taken for the client
    assert wire.client(b"+") is None
    assert wire.server(flags=flags, at=20_000) == (None if flags == SYN else "stream.syn_ack")
    assert wire.server(b"answer", at=0) is None
    assert wire.read(False) == b"answer"


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("garbage", [b"", b"\0"])
@pytest.mark.parametrize("answered", [True, False])
def test_midstream_a_keep_alive_comes_before_the_stream(make_wire, live, garbage, answered):
    wire = make_wire(live=live, detect=True)
    assert wire.client(garbage, at=0) is None
    if answered:
        assert wire.server(ack=1) is None
    assert wire.client(b"request", at=1) is None
    assert wire.server(b"reply", ack=8) is None
    assert wire.client(at=8) is None
    assert (wire.read(True), wire.read(False)) == (b"request", b"reply")


def test_midstream_one_byte_that_was_written_is_of_the_stream(make_wire):
    wire = make_wire(live=False, detect=True)
    assert wire.client(b"G", at=0, flags=ACK | PSH) is None
    assert wire.client(b"ET", at=1) is None
    assert wire.read(True) == b"GET"


def test_midstream_a_keep_alive_of_the_other_side_comes_before_its_stream(make_wire):
    wire = make_wire(live=False, detect=True)
    assert wire.client(at=1) is None
    assert wire.server(at=0) is None
    assert wire.server(b"reply", at=1) is None
    assert wire.read(False) == b"reply"


def test_a_connection_that_begins_with_the_servers_answer(make_wire):
    wire = make_wire(live=False)
    assert wire.server(flags=SYN | ACK) is None
    assert wire.states == ("SYN_SENT2", "SYN_RCVD2")
    assert wire.client() is None
    assert wire.client(b"hello") is None
    assert wire.server(b"there") is None
    assert (wire.read(True), wire.read(False)) == (b"hello", b"there")


def test_a_capture_with_one_direction_only(make_wire):
    wire = make_wire(live=False)
    assert wire.client(flags=SYN) is None
    for _ in range(200):
        assert wire.client(b"x" * 1000, ack=0) is None
    assert wire.read() == b"x" * 200_000


def test_a_stray_rst_begins_nothing(make_wire):
    wire = make_wire()
    assert wire.client(flags=RST) is None
    assert wire.flow.tcp.tracker is None
    wire.handshake()


def test_a_direction_that_the_kernel_carries_is_not_missed(make_wire):
    """A final ACCEPT of one direction takes its packets out of sight; the other one goes on."""
    wire = make_wire(chains={"OUTPUT": [], "INPUT": [{"rule": "server-is", "in": "NONE", "action": "DROP"}]})
    wire.handshake()
    assert wire.flow.final is not None
    wire.sent[False] = 1_000_000  # the answer went by unseen
    assert wire.client(b"hello") is None
    assert wire.client(b" again") is None
    assert wire.read() == b"hello again"


# --- memory ---


def test_a_giant_stream_is_held_only_until_it_is_acknowledged(wire):
    block = bytes(range(250)) * 4
    for _ in range(3000):
        assert wire.client(block) is None
        wire.got[True].clear()
        assert wire.server() is None
        assert wire.stream.pywall_stats()["buffered"] == 0
    directions = wire.flow.tcp.tracker
    assert all(direction.unacked_data is None and direction.out_of_order is None for direction in directions)


def test_what_waits_behind_holes_is_bounded_in_sum(make_wire):
    wire = make_wire(options={"memory": 1 << 20})
    dropped = 0
    for port in range(40000, 40100):
        wire.addresses = (V4[0][0], port), V4[1]
        wire.sent = {True: 0, False: 0}
        wire.client(flags=SYN)
        wire.server(flags=SYN | ACK)
        wire.client()
        results = {wire.client(b"z" * 10_000, at=10 + n * 10_000) for n in range(4)}
        assert results <= {None, "stream.memory"}
        dropped += "stream.memory" in results
        assert wire.stream.pywall_stats()["buffered"] <= 1 << 19
        assert wire.client(b"in order", at=0) in (None, "stream.overlap_conflict")
    assert dropped > 50


def test_what_one_direction_holds_is_bounded(make_wire):
    wire = make_wire(options={"flow_memory": 1 << 16, "checksum": "off"})
    wire.handshake(options=bytes([3, 3, 7, 1]))
    wire.server()
    results = [wire.client(b"z" * 10_000) for _ in range(8)]
    assert results == [None] * 6 + ["stream.memory"] * 2
    wire.sent[True] = 60_000
    wire.server()
    assert wire.client(b"z" * 10_000) is None


def test_with_pass_flow_what_cannot_be_held_passes(make_wire):
    wire = make_wire(options={"flow_memory": 1 << 16}, failure={"stream": "pass-flow"})
    wire.handshake(options=bytes([3, 3, 7, 1]))
    assert [wire.client(b"z" * 10_000) for _ in range(8)] == [None] * 8
    assert wire.server() is None
    assert wire.client(b"end") is None
    assert wire.read() == b"z" * 60_000 + b"end"


def test_nothing_is_held_for_flows_that_ended(make_wire):
    wire = make_wire().handshake()
    wire.client(b"unacknowledged")
    wire.client(b"late", at=100)
    assert wire.stream.pywall_stats()["buffered"] == 18
    wire.engine.close()
    assert wire.stream.pywall_stats()["buffered"] == 0


# --- checksums of captures ---


def corrupt(packet: bytes) -> bytes:
    header = 40 if packet[0] >> 4 == 6 else 20
    return packet[: header + 16] + b"\x12\x34" + packet[header + 18 :]


@pytest.mark.parametrize("addresses", [V4, V6])
@pytest.mark.parametrize("size", [0, 1, 2, 399, 400, 401, 1448])
def test_checksums(addresses, size):
    packet = tcp_packet(*addresses[0], *addresses[1], seq=1, data=(bytes(range(256)) * 6)[:size])
    assert checksum_valid(decode(packet))
    assert not checksum_valid(decode(corrupt(packet)))


@given(st.sampled_from([V4, V6]), st.binary(min_size=1, max_size=1500), st.integers(0, 1499), st.integers(1, 255))
def test_one_changed_byte_of_any_payload_is_noticed(addresses, payload, place, change):
    packet = tcp_packet(*addresses[0], *addresses[1], seq=1, data=payload)
    assert checksum_valid(decode(packet))
    changed = bytearray(packet)
    at = len(packet) - 1 - place % len(payload)
    changed[at] = (changed[at] + change) & 0xFF
    assert not checksum_valid(decode(bytes(changed)))


@pytest.mark.parametrize("hook", [1, 2, 3])
@pytest.mark.parametrize("checked", ["auto", "on", "off"])
@pytest.mark.parametrize("flags", [SYN, RST, RST | ACK, FIN | ACK, ACK, PSH | ACK])
def test_checksums_of_what_this_machine_sends_are_its_kernels(hook, checked, flags):
    """Not those of what opens or ends a connection: one that the receiver refuses would end it here alone."""
    lab = engine({"plugins": [{"stream": {"checksum": checked}}]}, live=True)
    data = b"x" if flags & PSH else b""
    bad = decode(corrupt(tcp_packet(*V4[0], *V4[1], seq=1, ack=1, flags=flags, data=data)), 1.0, hook)
    passes = checked == "off" or (checked == "auto" and hook == 3 and flags in (ACK, PSH | ACK))
    assert (lab.send([bad])[0].reason != "stream.bad_checksum") == passes


def around(packet: bytes, tunnel: str) -> bytes:
    """The packet in IPv4 that this machine may have sent for somebody else."""
    vxlan = bytes((8, 0, 0, 0, 0, 0, 1, 0)) + bytes(12) + b"\x08\0"
    head = {
        "ipip": b"",
        "gre": b"\0\0\x08\0",
        "vxlan": struct.pack("!4H", 40000, 4789, 8 + len(vxlan + packet), 0) + vxlan,
    }[tunnel]
    proto = {"ipip": 4, "gre": 47, "vxlan": 17}[tunnel]
    length = 20 + len(head + packet)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 1, 0, 64, proto, 0, b"\1" * 4, b"\2" * 4) + head + packet


@pytest.mark.parametrize("tunnel", ["ipip", "gre", "vxlan"])
@pytest.mark.parametrize("flags", [SYN, RST | ACK, PSH | ACK])
@pytest.mark.parametrize("hook", [1, 2, 3])
def test_what_a_tunnel_carries_was_written_by_somebody_else(tunnel, flags, hook):
    lab = engine({"plugins": ["stream"], "detection": {"tunnels": True}}, live=True)
    good = tcp_packet(*V4[0], *V4[1], seq=1, ack=1, flags=flags, data=b"x" if flags & PSH else b"")
    assert lab.send([decode(around(corrupt(good), tunnel), 1.0, hook)])[0].reason == "inside: stream.bad_checksum"
    assert lab.send([decode(around(good, tunnel), 2.0, hook)])[0].reason == "no chain for this hook"


def test_a_sender_with_right_checksums_is_held_to_them():
    checksums = CaptureChecksums(lambda name: None)
    good = tcp_packet(*V4[0], *V4[1], seq=1, data=b"x")
    assert checksums.acceptable(decode(corrupt(good)))
    assert checksums.acceptable(decode(good))
    assert not checksums.acceptable(decode(corrupt(good)))


@pytest.mark.parametrize("addresses", [V4, V6])
def test_a_sender_that_leaves_checksums_to_the_card_is_believed(addresses):
    checksums = CaptureChecksums(lambda name: None)
    good = tcp_packet(*addresses[0], *addresses[1], seq=1, data=b"xyz")
    header = 40 if good[0] >> 4 == 6 else 20
    source, target = good[header - 2 * len(decode(good).src) : header][: len(decode(good).src)], decode(good).dst
    total = sum(int.from_bytes((source + target)[i : i + 2], "big") for i in range(0, 2 * len(source), 2)) + 6 + 23
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    unfinished = good[: header + 16] + total.to_bytes(2, "big") + good[header + 18 :]
    assert partial(decode(unfinished))
    assert not partial(decode(good))
    assert checksums.acceptable(decode(good))
    assert checksums.acceptable(decode(unfinished))
    assert checksums.acceptable(decode(corrupt(good)))


# --- options ---


def test_options_are_read_like_linux_reads_them():
    assert parse_options(b"\x01\x01\x08\x0a\0\0\0\x07\0\0\0\0") == Options(tsval=7)
    assert parse_options(b"\x03\x03\x0f") == Options(shift=14)
    assert parse_options(b"\x00\x03\x03\x07") == Options()
    assert parse_options(b"\x13\x01\x03\x03\x07") == Options()
    assert parse_options(b"\x22\x02\x1d\x04\0\0") == Options(signature=True, fast_open=True)


@given(st.binary(max_size=40))
def test_options_of_any_kind_are_read(data):
    options = parse_options(data)
    assert -1 <= options.shift <= 14
    assert -1 <= options.tsval < 2**32


# --- anything at all ---

near = st.one_of(st.integers(-5, 40), st.sampled_from([65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1]))
flags = st.one_of(st.just(ACK), st.sampled_from([SYN, SYN | ACK, FIN | ACK, RST, RST | ACK]), st.integers(0, 255))
windows = st.integers(0, 65535)


@settings(max_examples=200, deadline=None)
@given(
    live=st.booleans(),
    failure=st.fixed_dictionaries(
        {
            "stream": st.sampled_from(["drop-flow", "pass-flow"]),
            "midstream": st.sampled_from(["inspect", "pass-flow", "drop-flow"]),
        }
    ),
    steps=st.lists(
        st.tuples(
            st.booleans(), st.binary(max_size=8), near, near, flags, st.binary(max_size=40), st.integers(0, 65535)
        ),
        max_size=40,
    ),
)
def test_no_packet_raises_and_accounts_stay_right(make_wire, live, failure, steps):
    wire = make_wire(live=live, detect=True, failure=failure)
    for to_server, data, at, ack, flag, options, window in steps:
        wire.gaps = 0
        wire.got = {True: [], False: []}
        raw = tcp_packet(
            *(wire.addresses if to_server else wire.addresses[::-1])[0],
            *(wire.addresses if to_server else wire.addresses[::-1])[1],
            seq=1000 + at,
            ack=1000 + ack,
            flags=flag,
            data=data,
            options=options,
            window=window,
        )
        wire.put(raw)
        flows = [each for flow in wire.engine.flows for each in (flow, *(flow.openings or {}).values())]
        size = sum(direction.buffered() for flow in flows for direction in flow.tcp.tracker or ())
        assert wire.stream.pywall_stats()["buffered"] == size
    errors = {name: f.last for name, f in wire.engine.failures.by_plugin.items() if name == "stream"}
    assert errors == {}


@pytest.mark.parametrize(("truth", "word"), [(True, "on"), (False, "off")])
def test_checksum_is_taken_as_yaml_reads_on_and_off(truth: bool, word: str) -> None:
    assert StreamOptions.model_validate({"checksum": truth}).checksum == word
