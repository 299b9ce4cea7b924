"""Connections as conntrack describes them; marks are taken off by requests that a fake of the kernel notes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from types import TracebackType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel import conntrack
from pywall_core.kernel.conntrack import (
    Connection,
    EndedConnections,
    _key,
    _tuple,
    clear_mark,
    clear_marks,
    key_pairs,
    parse,
)
from pywall_core.kernel.marks import Marks
from pywall_core.kernel.netlink import NESTED, attribute, attributes

V4 = st.binary(min_size=4, max_size=4)
V6 = st.binary(min_size=16, max_size=16)
PORT = st.binary(min_size=2, max_size=2)
KEYS = [bytes([6, 10, 0, 0, n, 10, 0, 1, 1]) + b"\x80\x00\x00\x50" for n in range(4)]


def described(key: bytes, mark: int, zone: int | None = None) -> bytes:
    """A connection as the kernel describes it."""
    back = key[:1] + key[5:9] + key[1:5] + key[11:13] + key[9:11]
    data = attribute(1 | NESTED, _tuple(key)) + attribute(2 | NESTED, _tuple(back))
    data += attribute(8, struct.pack(">I", mark))
    return data if zone is None else data + attribute(18, struct.pack(">H", zone))


class FakeKernel:
    """Stands for Netlink: IPv4 connections, the requests that came, and keys whose connections are gone."""

    def __init__(self) -> None:
        self.connections: list[bytes] = []
        self.requests: list[dict[int, bytes]] = []
        self.gone: set[bytes] = set()

    def __call__(self) -> FakeKernel:
        return self

    def __enter__(self) -> FakeKernel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def dump(self, kind: int, family: int, body: bytes = b"") -> Iterator[tuple[int, bytes]]:
        return iter([(family, data) for data in self.connections] if family == 2 else [])

    def request(self, kind: int, family: int, body: bytes) -> None:
        fields = attributes(body)
        if _key(fields[1]) in self.gone:
            raise FileNotFoundError
        self.requests.append(fields)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(conntrack, "Netlink", fake)
    return fake


def test_our_marks_are_taken_off_and_others_stay(kernel: FakeKernel) -> None:
    marks = Marks()
    ours = marks.ours.value
    foreign = ~marks.mask & 0xFFFFFFFF
    kernel.connections = [described(KEYS[0], ours), described(KEYS[1], 0), described(KEYS[2], ours | foreign)]
    assert clear_marks(marks) == 2
    assert [_key(fields[1]) for fields in kernel.requests] == [KEYS[0], KEYS[2]]
    for fields in kernel.requests:
        assert fields[8] == bytes(4)
        assert fields[21] == struct.pack(">I", marks.mask), "only our bits are written"


def test_a_connection_that_has_ended_meanwhile_is_not_counted(kernel: FakeKernel) -> None:
    marks = Marks()
    kernel.connections = [described(key, marks.ours.value) for key in KEYS]
    kernel.gone = {KEYS[1]}
    assert clear_marks(marks) == 3


def test_the_zone_of_a_connection_is_named(kernel: FakeKernel) -> None:
    marks = Marks()
    kernel.connections = [described(KEYS[0], marks.ours.value, zone=7)]
    clear_marks(marks)
    assert kernel.requests[0][18] == struct.pack(">H", 7)


def test_one_connection_is_found_by_its_key(kernel: FakeKernel) -> None:
    kernel.gone = {KEYS[1]}
    assert clear_mark(Marks(), KEYS[0])
    assert not clear_mark(Marks(), KEYS[1])


def test_keys_of_both_directions(kernel: FakeKernel) -> None:
    kernel.connections = [described(KEYS[0], 0), b""]
    (pair,) = key_pairs()
    assert pair == (KEYS[0], KEYS[0][:1] + KEYS[0][5:9] + KEYS[0][1:5] + KEYS[0][11:13] + KEYS[0][9:11])


@given(st.sampled_from([6, 17, 132]), st.one_of(st.tuples(V4, V4), st.tuples(V6, V6)), PORT, PORT)
def test_conntrack_tuple_is_the_flow_key(
    proto: int, addresses: tuple[bytes, bytes], sport: bytes, dport: bytes
) -> None:
    key = bytes([proto]) + b"".join(addresses) + sport + dport
    assert _key(_tuple(key)) == key


@given(st.one_of(st.tuples(st.just(1), V4, V4), st.tuples(st.just(58), V6, V6)), PORT)
def test_conntrack_tuple_of_echo(ends: tuple[int, bytes, bytes], identifier: bytes) -> None:
    key = bytes([ends[0]]) + ends[1] + ends[2] + identifier * 2
    assert _key(_tuple(key)) == key


def test_conntrack_connection_with_counters() -> None:
    key = b"\x06" + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + b"\x80\x00\x00\x50"
    back = b"\x06" + bytes([10, 0, 0, 2, 10, 0, 0, 1]) + b"\x00\x50\x80\x00"

    def counters(packets: int, byte_count: int) -> bytes:
        return attribute(1, struct.pack(">Q", packets)) + attribute(2, struct.pack(">Q", byte_count))

    data = (
        attribute(1 | NESTED, _tuple(key))
        + attribute(2 | NESTED, _tuple(back))
        + attribute(8, struct.pack(">I", 0x1100))
        + attribute(9 | NESTED, counters(3, 180))
        + attribute(10 | NESTED, counters(2, 1 << 40))
    )
    assert parse(data) == Connection(key, back, 3, 180, 2, 1 << 40, 0x1100)
    for state, (established, over) in {3: (True, False), 5: (False, False), 7: (False, True), 8: (False, True)}.items():
        protocol = attribute(4 | NESTED, attribute(1 | NESTED, attribute(1, bytes((state,)))))
        found = parse(data + protocol)
        assert found is not None
        assert (found.established, found.over) == (established, over)
    assert parse(data[4 + len(_tuple(key)) :]) is None


def test_connections_that_ended_are_read_a_few_at_a_time() -> None:
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        receiver.setblocking(False)
        ended = EndedConnections.__new__(EndedConnections)
        ended._socket = receiver
        for _ in range(5):
            sender.send(bytes(16))
        assert list(ended.poll(3)) == []
        assert ended.behind
        assert list(ended.poll(3)) == []
        assert not ended.behind
