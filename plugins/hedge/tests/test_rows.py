"""Rows of a table that hold digests."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest
from pywall_hedge import StreamClassifier
from pywall_hedge.rows import BELIEVED, Tables, rows_of_digests

RNG = random.Random(5)


def _digest(number: int, size: int = 32) -> bytes:
    return hashlib.sha512(b"%d" % number).digest()[:size]


TABLES = {
    "index of chunks": b"".join(_digest(n) + struct.pack("<QI", n * 4096, 4096) for n in range(200)),
    "names of objects": b"".join(struct.pack("<I", n * 900) + _digest(n, 20) for n in range(200)),
    "sums of files": b"".join(
        _digest(n, 16) + struct.pack("<IIH", n * n % 10**6, 1790000000 + n, 3) for n in range(200)
    ),
    "nodes of a tree": b"".join(b"\xa0" + _digest(n) for n in range(200)),
    "headers of a chain": b"".join(
        struct.pack("<I", 0x20000000)
        + _digest(n, 64)
        + struct.pack("<II", 1790000000 + n * 600, 0x17034219)
        + _digest(n, 4)
        for n in range(100)
    ),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_digests_in_rows_are_no_ciphertext(table: bytes) -> None:
    assert rows_of_digests(table[:4096], 1)
    classifier = StreamClassifier(stream=True)
    for at in range(0, len(table), 1448):
        classifier.update(table[at : at + 1448], False)
        assert not classifier.settled()


def test_rows_need_not_begin_where_a_message_does() -> None:
    classifier = StreamClassifier(stream=True)
    for number in range(40):
        rows = b"".join(b"\x12\x24\x0a\x20" + RNG.randbytes(32) for _ in range(3 + number % 20))
        classifier.update(struct.pack(">I", len(rows)) + rows, True)
        assert not classifier.settled()


def _messages(size: int) -> bytes:
    return b"".join(struct.pack(">HH", 7, size) + RNG.randbytes(size) for _ in range(40))


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (_messages(48), 40),
        (_messages(200), 1),
        (b"".join(b"\x12\x24\x0a\x20" + _digest(n, 56) for n in range(80)), 1),
        (b"".join(b"\x12\x24\x0a\x20" + _digest(n, 64) + _digest(-n, 8) for n in range(80)), 1),
        (RNG.randbytes(4096), 1),
        (RNG.randbytes(60), 1),
        (bytes(300), 1),
    ],
    ids=["messages of one size", "long rows", "no digest's size", "too much for digests", "noise", "little", "zeros"],
)
def test_what_is_no_table_of_digests(data: bytes, messages: int) -> None:
    assert not rows_of_digests(data, messages)


def _row(rng: random.Random) -> bytes:
    return b"\x12\x24\x0a\x20" + rng.randbytes(64)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_is_not_believed_for_ever(seed: int) -> None:
    rng = random.Random(seed)
    classifier = StreamClassifier(stream=True)
    data = b"".join(_row(rng) for _ in range(960))
    settled = []
    for at in range(0, len(data), 1448):
        classifier.update(data[at : at + 1448], True)
        settled.append(classifier.settled())
    assert any(settled)
    assert not any(settled[: 16384 // 1448])


@pytest.mark.parametrize("seed", range(3))
def test_tables_both_ways_are_a_tunnel(seed: int) -> None:
    rng = random.Random(seed)
    classifier = StreamClassifier(stream=True)
    for number in range(24):
        for to_server in (True, False):
            classifier.update(b"".join(_row(rng) for _ in range(3 + number % 9)), to_server)
    assert classifier.settled()


def test_one_direction_alone_is_believed_and_up_to_a_limit() -> None:
    first: list[bool] = []
    client, server = Tables(True, first), Tables(False, first)
    table = TABLES["names of objects"]
    assert not server.hold(random.Random(1).randbytes(4096), 1, 4096)
    assert not client.hold(table, 1, BELIEVED + 1)
    assert client.hold(table, 1, BELIEVED)
    assert not server.hold(table, 1, 4096)
    assert client.hold(table, 1, 4096)


def test_a_sum_behind_each_line_is_no_ciphertext() -> None:
    classifier = StreamClassifier(stream=True)
    for number in range(60):
        line = b"2026-11-30 10:00:%02d sshd[4711]: accepted for user%d\n" % (number, number)
        classifier.update(line + RNG.randbytes(32) + b"\n", True)
        assert not classifier.settled()


def test_noise_behind_each_line_is_ciphertext() -> None:
    classifier = StreamClassifier(stream=True)
    for number in range(60):
        classifier.update(b"message %d follows here\n" % number + RNG.randbytes(RNG.randrange(60, 400)), True)
    assert classifier.settled()
