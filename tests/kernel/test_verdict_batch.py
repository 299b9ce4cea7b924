"""Batches of verdicts over a socket pair: what is sent together, when, and what happens when the kernel refuses."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pywall_core.kernel.netlink import attributes, messages
from pywall_core.sources.verdict_batch import MAX_AGE, NF_ACCEPT, NF_DROP, NF_REPEAT, VerdictBatch


class Refusing(socket.socket):
    """A socket that takes no datagram longer than ``limit``."""

    limit = 1 << 20

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        if len(data) > self.limit:
            raise OSError(105, "No buffer space available")
        return super().send(data, flags)


@pytest.fixture
def ends() -> Iterator[tuple[Refusing, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    with Refusing(fileno=ours.detach()) as sender, theirs:
        yield sender, theirs


def received(end: socket.socket) -> list[list[int]]:
    """Packet ids of each system call."""
    calls = []
    while True:
        try:
            data = end.recv(65536)
        except BlockingIOError:
            return calls
        calls.append([int.from_bytes(attributes(body[4:])[2][4:], "big") for _, _, body in messages(data)])


def test_a_full_batch_is_sent_and_the_rest_waits(ends: tuple[Refusing, socket.socket]) -> None:
    batch = VerdictBatch(ends[0], 1, 3)
    for number in range(1, 8):
        batch.add(number, NF_ACCEPT, 5.0)
    assert received(ends[1]) == [[1, 2, 3], [4, 5, 6]]
    assert len(batch) == 1
    batch.flush()
    batch.flush()
    assert received(ends[1]) == [[7]]


def test_size_one_sends_each_at_once(ends: tuple[Refusing, socket.socket]) -> None:
    batch = VerdictBatch(ends[0], 1, 1)
    batch.add(1, NF_DROP, 5.0)
    batch.add_marked(2, NF_REPEAT, 0xCAFE, 5.0)
    assert received(ends[1]) == [[1], [2]]


def test_the_oldest_verdict_says_when_a_batch_is_due(ends: tuple[Refusing, socket.socket]) -> None:
    batch = VerdictBatch(ends[0], 1, 64)
    assert batch.due == float("inf")
    batch.add(1, NF_ACCEPT, 5.0)
    batch.add(2, NF_ACCEPT, 5.5)
    assert batch.due == 5.0 + MAX_AGE
    batch.flush()
    assert batch.due == float("inf")


def test_messages_are_those_of_the_kernels_header(ends: tuple[Refusing, socket.socket]) -> None:
    batch = VerdictBatch(ends[0], 0x1234, 2)
    batch.add(0x01020304, NF_DROP, 0.0)
    batch.add_marked(0xFFFFFFFF, NF_REPEAT, 0x80000001, 0.0)
    first, second = messages(ends[1].recv(65536))
    assert first[0] == second[0] == 0x301
    assert first[2][:4] == second[2][:4] == bytes.fromhex("00001234")
    assert attributes(first[2][4:]) == {2: bytes.fromhex("0000000001020304")}
    assert attributes(second[2][4:]) == {2: bytes.fromhex("00000004ffffffff"), 3: bytes.fromhex("80000001")}


def test_a_refused_batch_is_sent_verdict_by_verdict(ends: tuple[Refusing, socket.socket]) -> None:
    batch = VerdictBatch(ends[0], 1, 4)
    ends[0].limit = 32
    for number in range(1, 4):
        batch.add(number, NF_ACCEPT, 0.0)
    batch.add_marked(4, NF_REPEAT, 1, 0.0)  # longer than what the socket takes
    assert received(ends[1]) == [[1], [2], [3]]
    assert batch.unsent == 1
    ends[0].limit = 1 << 20
    batch.add(5, NF_ACCEPT, 0.0)
    batch.flush()
    assert received(ends[1]) == [[5]]
