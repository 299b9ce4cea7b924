"""Reassembly: whole again in any order, and nothing that two receivers could read differently."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pywall_core.api import TCP, Drop, Packet, decode
from pywall_core.packet.fragments import MAX_PIECES, Fragments
from pywall_core.testing import fragment, ip_packet, tcp_packet, udp_packet

ENDS = {4: ("192.0.2.1", "198.51.100.2"), 6: ("2001:db8::1", "2001:db8::2")}
versions = st.sampled_from([4, 6])


def datagram(version: int, payload: bytes) -> bytes:
    src, dst = ENDS[version]
    return udp_packet(src, 1000, dst, 53, payload)


def feed(fragments: Fragments, pieces: Iterable[bytes], time: float = 1.0) -> list[Packet | Drop | None]:
    return [fragments.add(decode(piece, time)) for piece in pieces]


def reasons(answers: Iterable[Packet | Drop | None]) -> list[str | None]:
    return [answer.reason if isinstance(answer, Drop) else None for answer in answers]


def piece(offset: int, data: bytes, more: bool, ident: int = 7, version: int = 4) -> bytes:
    """One fragment by hand: the fields that no honest sender would combine."""
    src, dst = ENDS[version]
    if version == 6:
        head = bytes([17, 0]) + (offset | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        return ip_packet(src, dst, 44, head + data)
    raw = bytearray(ip_packet(src, dst, 17, data, ident=ident))
    raw[6:8] = (more << 13 | offset // 8).to_bytes(2, "big")
    return bytes(raw)


@given(versions, st.binary(min_size=40, max_size=400), st.integers(1, 6), st.randoms(), st.integers(1, 3))
def test_any_order_with_duplicates_gives_the_datagram(version, payload, units, random, copies) -> None:
    raw = datagram(version, payload)
    pieces = fragment(raw, units * 8)
    random.shuffle(pieces)
    fragments = Fragments()
    last = pieces.pop()
    assert reasons(feed(fragments, pieces * copies)) == [None] * (len(pieces) * copies)
    (whole,) = feed(fragments, [last], 2.0)
    assert isinstance(whole, Packet)
    fresh = decode(raw)
    assert (whole.key, whole.payload, whole.length, whole.frag, whole.error, whole.time) == (
        fresh.key, fresh.payload, fresh.length, None, None, 2.0,
    )  # fmt: skip
    if version == 4:
        assert whole.data[:4] + whole.data[8:10] == raw[:4] + raw[8:10]
        assert sum(int.from_bytes(whole.data[i : i + 2], "big") for i in range(0, 20, 2)) % 0xFFFF == 0
    else:
        assert whole.data == raw
    assert fragments.stats()["bytes"] == 0


@given(versions, st.binary(min_size=40, max_size=200), st.integers(0, 300), st.integers(1, 12), st.binary(max_size=96))
def test_what_comes_out_never_depends_on_who_wins_an_overlap(version, payload, at, units, other) -> None:
    """One more piece, anywhere: either the datagram is unharmed, or none of the rest gets through."""
    pieces = fragment(datagram(version, payload), 32, ident=7)
    extra = piece(at // 8 * 8, (other + bytes(8))[: max(8, units * 8)], more=True, version=version)
    if len(extra) % 8:
        extra = extra[: len(extra) - (len(extra) - (48 if version == 6 else 20)) % 8]
    fragments = Fragments()
    answers = feed(fragments, [pieces[0], extra, *pieces[1:]])
    for answer in answers:
        if isinstance(answer, Packet):
            assert answer.payload == payload
    dropped = [i for i, answer in enumerate(answers) if isinstance(answer, Drop)]
    if dropped:
        assert all(isinstance(answer, Drop) for answer in answers[dropped[0] :])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ((8, b"B" * 16, True), "fragment.overlap"),
        ((16, b"B" * 16, False), "fragment.overlap"),
        ((0, b"C" * 24, True), "fragment.overlap"),
        ((24, b"B" * 9, True), "fragment.length"),
        ((24, b"", False), "fragment.length"),
        ((65528, b"B" * 16, False), "fragment.too_long"),
    ],
)
def test_ambiguous_pieces_end_the_datagram(version: int, second: tuple[int, bytes, bool], reason: str) -> None:
    fragments = Fragments()
    first = piece(0, b"A" * 24, True, version=version)
    tail = piece(24, b"Z" * 8, False, version=version)
    answers = feed(fragments, [first, piece(*second, version=version), tail, first])
    assert reasons(answers) == [None, reason, reason, reason]
    assert fragments.stats()[reason] == 3
    assert reasons(feed(fragments, [first], 61.5)) == [None], "the identification is free again after the timeout"


@pytest.mark.parametrize("second", [(16, b"B" * 8, False), (32, b"B" * 8, True), (40, b"B" * 8, False)])
def test_two_ends_of_one_datagram(second: tuple[int, bytes, bool]) -> None:
    answers = feed(Fragments(), [piece(32, b"A" * 8, False), piece(*second)])
    assert reasons(answers)[1] in ("fragment.end", "fragment.overlap")


def test_tiny_first_fragment() -> None:
    raw = tcp_packet(*ENDS[4][:1], 1000, ENDS[4][1], 22, seq=1, data=b"x" * 30)
    assert decode(raw).proto == TCP
    assert reasons(feed(Fragments(), fragment(raw, 8)))[0] == "fragment.tiny"
    answers = feed(Fragments(), fragment(raw, 16))
    assert isinstance(answers[-1], Packet)
    assert answers[-1].dport == 22


def test_rest_of_a_dropped_datagram_is_dropped_and_of_an_accepted_one_begins_a_new_one() -> None:
    pieces = fragment(datagram(4, b"p" * 100), 64)
    for accepted in (True, False):
        fragments = Fragments()
        *_, whole = feed(fragments, pieces)
        assert isinstance(whole, Packet)
        if accepted:
            fragments.passed(decode(pieces[-1], 1.0))
        assert reasons(feed(fragments, pieces[-1:])) == [None if accepted else "fragment.of_dropped"]


def test_a_fragment_inside_a_reassembled_datagram() -> None:
    inner = bytes([17, 0, 0, 1, 0, 0, 0, 9]) + b"i" * 40
    src, dst = ENDS[6]
    outer = [
        ip_packet(src, dst, 44, bytes([44, 0]) + (at | more).to_bytes(2, "big") + bytes(4) + inner[at : at + 24])
        for at, more in ((0, 1), (24, 0))
    ]
    assert reasons(feed(Fragments(), outer))[-1] == "fragment.nested"
    atomic = ip_packet(src, dst, 44, bytes([44]) + bytes(7) + inner)
    assert reasons(feed(Fragments(), [atomic])) == ["fragment.nested"]


def test_memory_is_bounded_and_what_was_given_up_stays_closed() -> None:
    fragments = Fragments(max_datagrams=50, max_bytes=20_000)
    for ident in range(500):
        fragments.add(decode(piece(0, b"A" * 1000, True, ident=ident), 1.0))
        stats = fragments.stats()
        assert stats["bytes"] <= 20_000
        assert stats["datagrams"] <= 50
    assert fragments.stats()["evicted"] > 400
    (answer,) = feed(fragments, [piece(1000, b"Z" * 8, False, ident=480)])
    assert answer == Drop("fragment.memory")


def test_pieces_of_one_datagram_are_bounded() -> None:
    fragments = Fragments()
    answers = feed(fragments, (piece(16 + 16 * n, b"A" * 8, True) for n in range(MAX_PIECES + 1)))
    assert reasons(answers)[-2:] == [None, "fragment.too_many"]


def test_incomplete_datagrams_time_out() -> None:
    fragments = Fragments(timeout=60.0)
    first, second = fragment(datagram(4, b"p" * 100), 64)
    feed(fragments, [first], 10.0)
    feed(fragments, [second], 71.0)
    assert fragments.stats() == {"datagrams": 1, "bytes": 44 + 128, "held": 2, "expired": 1}


def test_protocol_counts_for_ipv4_and_not_for_ipv6() -> None:
    other4 = bytearray(piece(24, b"Z" * 8, False))
    other4[9] = 6
    assert reasons(feed(Fragments(), [piece(0, b"A" * 24, True), bytes(other4)])) == [None, None]
    other6 = bytearray(piece(24, b"Z" * 8, False, version=6))
    other6[40] = 6
    answers = feed(Fragments(), [piece(0, b"A" * 24, True, version=6), bytes(other6)])
    assert isinstance(answers[1], Packet)
    assert answers[1].proto == 17, "the first fragment's next header counts"


def test_extension_headers_before_the_fragment_header_stay() -> None:
    src, dst = ENDS[6]
    hop = bytes([44, 0, 1, 4, 0, 0, 0, 0])
    udp = datagram(6, b"q" * 40)[40:]
    pieces = [
        ip_packet(src, dst, 0, hop + bytes([17, 0]) + (at | more).to_bytes(2, "big") + bytes(4) + udp[at : at + 24])
        for at, more in ((0, 1), (24, 0))
    ]
    *_, whole = feed(Fragments(), pieces)
    assert isinstance(whole, Packet)
    assert whole.data[40:48] == bytes([17]) + hop[1:]
    assert whole.payload == b"q" * 40


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans(), st.integers(1, 2)), max_size=30))
@example([(0, 8, True, 1), (8, 0, False, 1)])
def test_no_sequence_of_fragments_raises_or_leaks(pieces) -> None:
    fragments = Fragments()
    for offset, size, more, ident in pieces:
        packet = decode(piece(offset * 8, bytes(size), more, ident=ident), 1.0)
        if packet.frag is not None and packet.error is None:
            fragments.add(packet)
    feed(fragments, [piece(0, b"A" * 24, True, ident=9)], 100.0)
    assert fragments.stats()["bytes"] == 24 + 128
