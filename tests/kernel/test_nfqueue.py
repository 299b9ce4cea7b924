"""The NFQUEUE source with a fake queue: one verdict a packet, on every path."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import count, cycle, repeat
from types import SimpleNamespace
from typing import Any

import pytest

nfqueue = pytest.importorskip("pywall_core.sources.nfqueue")

from pywall_core.kernel.marks import Marks  # noqa: E402
from pywall_core.kernel.netlink import attributes, messages  # noqa: E402
from pywall_core.model.verdict import ACCEPT, DROP, REJECT, Verdict  # noqa: E402

M = Marks()
IPV4 = bytes.fromhex("4500001c00004000401100000a4d00020a4d0001") + bytes.fromhex("1f401f4100080000")


IDS = count(1)
NAMES = {0: "drop", 1: "accept", 4: "repeat"}


class FakePacket:
    hook = 1
    indev = outdev = 0

    def __init__(self, mark: int = 0, payload: bytes = IPV4) -> None:
        self.id = next(IDS)
        self.mark = mark
        self.payload = payload

    def get_payload(self) -> bytes:
        return self.payload

    def retain(self) -> None:
        self.retained = True


class FakeQueue:
    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs.setblocking(False)
        self.waiting: list[FakePacket] = []

    def bind(self, number: int, callback: Callable[[FakePacket], None], **options: Any) -> None:
        self.callback = callback
        self.options = options

    def get_fd(self) -> int:
        return self.ours.fileno()

    def run(self, block: bool) -> None:
        assert not block
        self.ours.recv(1)  # the byte that woke poll() up
        for packet in self.waiting:
            self.callback(packet)
        self.waiting.clear()

    def unbind(self) -> None:
        self.ours.close()
        self.theirs.close()


def sent(source: Any) -> list[list[tuple[int, str, int | None]]]:
    """What the kernel got: for each system call its verdicts as (packet id, verdict, mark)."""
    source._verdicts.flush()
    calls = []
    while True:
        try:
            data = source._queue.theirs.recv(65536)
        except BlockingIOError:
            return calls
        verdicts = []
        for kind, _sequence, body in messages(data):
            assert kind == 3 << 8 | 1
            family, version, number = struct.unpack_from(">BBH", body)
            assert (family, version, number) == (0, 0, 7)
            found = attributes(body[4:])
            verdict, packet_id = struct.unpack(">II", found[2])
            mark = struct.unpack(">I", found[3])[0] if 3 in found else None
            verdicts.append((packet_id, NAMES[verdict], mark))
        calls.append(verdicts)


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.setattr(nfqueue, "NetfilterQueue", FakeQueue)
    made = []

    def build(verdict: Any, *, offloadable: int = 1, pulse: Any = lambda *_: None, **options: Any) -> Any:
        verdicts = cycle(verdict) if isinstance(verdict, list) else repeat(verdict)

        def process(packet: Any) -> Verdict:
            given = next(verdicts)
            if isinstance(given, BaseException):
                raise given
            return given

        engine = SimpleNamespace(
            process=process,
            offloadable=lambda *_: offloadable,
            wants_interfaces=True,
            helpers=SimpleNamespace(may_hold=True, holds=lambda packet, verdict: False, descriptors=tuple),
        )
        source = nfqueue.NFQueue(nfqueue.QueueOptions(7, **options), engine, pulse)
        made.append(source)
        return source

    yield build
    for source in made:
        source.close()


FOREIGN = 0x800000FF


@pytest.mark.parametrize(
    ("verdict", "options", "expected", "mark"),
    [
        (Verdict(ACCEPT), {}, "accept", None),
        (Verdict(ACCEPT, True), {}, "repeat", FOREIGN | M.accept),
        (Verdict(ACCEPT, True), {"offload": False}, "accept", None),
        (Verdict(ACCEPT, True), {"offloadable": 0}, "accept", None),
        (Verdict(ACCEPT, True), {"offloadable": 2}, "repeat", FOREIGN | M.accept_both),
        (Verdict(DROP), {}, "drop", None),
        (Verdict(DROP, True), {}, "repeat", FOREIGN | M.drop),
        (Verdict(DROP, True), {"offload": False}, "drop", None),
        (Verdict(REJECT), {}, "repeat", FOREIGN | M.reject),
        (Verdict(REJECT, True), {}, "repeat", FOREIGN | M.reject_all),
        (Verdict(REJECT, True), {"offload": False}, "repeat", FOREIGN | M.reject),
    ],
)
def test_nfqueue_verdict_once_and_foreign_marks_kept(
    build: Any, verdict: Verdict, options: dict[str, Any], expected: str, mark: int | None
) -> None:
    packet = FakePacket(FOREIGN)
    source = build(verdict, **options)
    source._queue.callback(packet)
    assert sent(source) == [[(packet.id, expected, mark)]]


@pytest.mark.parametrize(
    ("verdict", "expected", "mark"),
    [
        (Verdict(ACCEPT, True), "accept", None),
        (Verdict(DROP, True), "drop", None),
        (Verdict(REJECT, True), "repeat", FOREIGN | M.reject),
    ],
)
def test_nfqueue_does_not_write_over_others_bits_in_its_own_places(
    build: Any, verdict: Verdict, expected: str, mark: int | None
) -> None:
    packet = FakePacket(FOREIGN | 0xCA00)
    source = build(verdict)
    source._queue.callback(packet)
    assert sent(source) == [[(packet.id, expected, mark)]]


@pytest.mark.parametrize(("passing", "expected"), [(False, "drop"), (True, "accept")])
@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError()])
def test_nfqueue_internal_error_still_gives_a_verdict(
    build: Any, error: Exception, passing: bool, expected: str
) -> None:
    source = build(error, pass_failures=passing)
    packet = FakePacket()
    source._queue.callback(packet)
    assert sent(source) == [[(packet.id, expected, None)]]
    assert source.failures == 1


def test_nfqueue_error_after_the_verdict_gives_no_second_one(build: Any) -> None:
    def pulse(now: float, idle: bool) -> None:
        raise ValueError("after the verdict")

    packet = FakePacket()
    source = build(Verdict(ACCEPT), pulse=pulse)
    source._queue.callback(packet)
    assert sent(source) == [[(packet.id, "accept", None)]]
    assert source.failures == 1


def test_nfqueue_stop_leaves_run_after_the_verdict(build: Any) -> None:
    def pulse(now: float, idle: bool) -> None:
        raise nfqueue.Stop

    packet = FakePacket()
    source = build(Verdict(DROP), pulse=pulse)
    with pytest.raises(nfqueue.Stop):
        source._queue.callback(packet)
    assert sent(source) == [[(packet.id, "drop", None)]]


@pytest.mark.parametrize("payload", [b"", b"\x45", b"\x60" + bytes(10), bytes(60), IPV4[:21]])
def test_nfqueue_takes_any_payload(build: Any, payload: bytes) -> None:
    packet = FakePacket(payload=payload)
    source = build(Verdict(DROP))
    source._queue.callback(packet)
    assert sent(source) == [[(packet.id, "drop", None)]]


# --- batches -------------------------------------------------------------------------------------------------------


def test_nfqueue_batch_answers_every_packet_once_and_in_order_whatever_raises(build: Any) -> None:
    verdicts = [
        Verdict(ACCEPT),
        ValueError("x"),
        Verdict(DROP, True),
        Verdict(REJECT),
        Verdict(DROP),
        Verdict(ACCEPT, True),
    ]
    source = build(verdicts, pulse=lambda *_: None)
    source._next_pulse = float("inf")
    packets = [FakePacket(FOREIGN) for _ in verdicts]
    for packet in packets:
        source._verdicts.due = float("inf")  # no clock in this test
        source._queue.callback(packet)
    expected = [
        ("accept", None),
        ("drop", None),
        ("repeat", FOREIGN | M.drop),
        ("repeat", FOREIGN | M.reject),
        ("drop", None),
        ("repeat", FOREIGN | M.accept),
    ]
    assert sent(source) == [[(packet.id, *verdict) for packet, verdict in zip(packets, expected, strict=True)]]


def test_nfqueue_run_gives_one_batch_for_what_waits_and_leaves_nothing_behind(build: Any) -> None:
    def pulse(now: float, idle: bool) -> None:
        if idle:
            raise nfqueue.Stop

    source = build(Verdict(ACCEPT), pulse=pulse)
    source._next_pulse = float("inf")
    source._queue.waiting = [FakePacket() for _ in range(5)]
    ids = [packet.id for packet in source._queue.waiting]
    source._queue.theirs.send(b"!")
    reader, writer = os.pipe()
    source.run(reader)
    os.close(reader)
    os.close(writer)
    assert [packet_id for call in sent(source) for packet_id, _, _ in call] == ids


def test_nfqueue_pulse_finds_no_verdict_unsent(build: Any) -> None:
    waiting = []
    source = build(Verdict(ACCEPT), pulse=lambda now, idle: waiting.append(len(source._verdicts)))
    source._queue.callback(FakePacket())
    assert waiting == [0]


def test_nfqueue_range_never_exceeds_the_librarys_buffer(build: Any) -> None:
    assert build(Verdict(DROP), range=65535)._queue.options["range"] == 3584
    assert build(Verdict(DROP), range=128)._queue.options["range"] == 128


def test_nfqueue_interface_names_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def if_indextoname(index: int) -> str:
        asked.append(index)
        if index == 9:
            raise OSError
        return f"eth{index}"

    monkeypatch.setattr(nfqueue.socket, "if_indextoname", if_indextoname)
    names = nfqueue.InterfaceNames()
    assert [names.name(index, 5.0) for index in (0, 1, 1, 9)] == ["", "eth1", "eth1", ""]
    assert asked == [1, 9]


def test_nfqueue_pulses_at_once_when_an_order_waits(build: Any) -> None:
    """The descriptor of the supervisor's channel ends the wait, before a quarter of a second is over."""
    idle: list[bool] = []

    def pulse(now: float, nothing_came: bool) -> None:
        idle.append(nothing_came)
        raise nfqueue.Stop

    source = build(Verdict(ACCEPT), pulse=pulse)
    reader, writer = os.pipe()
    os.write(writer, b"x")
    source.run(reader)
    os.close(reader)
    os.close(writer)
    assert idle == [True]


def test_nfqueue_follows_the_names_of_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {7: "eth0"}
    monkeypatch.setattr(nfqueue.socket, "if_indextoname", lambda index: names[index])
    known = nfqueue.InterfaceNames()
    assert known.name(7, 1.0) == "eth0"
    names[7] = "wan0"
    assert known.name(7, 1.5) == "eth0", "asked once a second at most"
    assert known.name(7, 2.5) == "wan0"
    assert known.name(0, 2.5) == ""


class Waits:
    """An engine whose packets wait until ``open`` is set; the verdict is another one then."""

    def __init__(self, source: Any) -> None:
        self.open = False
        self.reads = 0
        self.helpers = source._held._helpers = self
        source._engine = source._held._engine = self

    def holds(self, packet: Any, verdict: Verdict) -> bool:
        return not self.open

    def decide_again(self, packet: Any, before: Verdict) -> Verdict:
        return Verdict(DROP, True)

    def read(self) -> None:
        self.reads += 1


def test_nfqueue_holds_what_waits_for_a_helper_and_gives_the_verdict_once(build: Any) -> None:
    source = build(Verdict(ACCEPT))
    engine = Waits(source)
    held = [FakePacket(FOREIGN), FakePacket(FOREIGN)]
    for packet in held:
        source._queue.callback(packet)
    assert all(packet.retained for packet in held)
    source._held.release(1.0)
    assert sent(source) == []
    engine.open = True
    source._held.release(2.0)
    assert sent(source) == [[(packet.id, "repeat", FOREIGN | M.drop) for packet in held]]
    source._held.release(3.0)
    assert sent(source) == []


def test_nfqueue_holds_no_packet_for_ever(build: Any) -> None:
    source = build(Verdict(ACCEPT))
    Waits(source)
    packet = FakePacket()
    source._queue.callback(packet)
    source._held.release(nfqueue.monotonic() + 3600)
    assert sent(source) == [[(packet.id, "repeat", M.drop)]]


@pytest.mark.parametrize(("fail_open", "expected"), [(False, "drop"), (True, "accept")])
def test_nfqueue_holds_so_many_and_no_more(
    build: Any, monkeypatch: pytest.MonkeyPatch, fail_open: bool, expected: str
) -> None:
    monkeypatch.setattr("pywall_core.sources.held_packets.MOST", 2)
    monkeypatch.setattr(nfqueue, "set_flags", lambda *_: None)
    source = build(Verdict(ACCEPT), fail_open=fail_open)
    Waits(source)
    packets = [FakePacket() for _ in range(3)]
    for packet in packets:
        source._queue.callback(packet)
    assert sent(source) == [[(packets[2].id, expected, None)]]


def test_nfqueue_an_error_while_deciding_again_gives_the_verdict_of_before(build: Any) -> None:
    source = build(Verdict(ACCEPT))
    engine = Waits(source)
    engine.decide_again = lambda *_: 1 // 0  # type: ignore[method-assign]
    packet = FakePacket()
    source._queue.callback(packet)
    engine.open = True
    source._held.release(1.0)
    assert sent(source) == [[(packet.id, "accept", None)]]


#: a SYN that offers segments of 8960 bytes
JUMBO_SYN = bytes.fromhex("4500002c00004000400600000a4d00020a4d0001 9c400050000000070000000060020000000000000204 2300")


@pytest.mark.parametrize(
    ("verdict", "options", "offer"),
    [
        (Verdict(ACCEPT), {"whole_segments": True}, 3460),
        (Verdict(ACCEPT, True), {"whole_segments": True}, 3460),
        (Verdict(ACCEPT), {"whole_segments": True, "range": 200}, 1460),
        (Verdict(ACCEPT, True), {"whole_segments": True, "offloadable": 2}, None),
        (Verdict(ACCEPT), {}, None),
        (Verdict(DROP), {"whole_segments": True}, None),
        (Verdict(REJECT), {"whole_segments": True}, None),
    ],
)
def test_segments_are_kept_as_short_as_what_is_copied(
    build: Callable[..., Any], verdict: Verdict, options: dict[str, Any], offer: int | None
) -> None:
    """Unless rules ask no content, or the kernel carries both directions."""
    source = build(verdict, **options)
    changed: list[bytes] = []
    packet = FakePacket(payload=JUMBO_SYN)
    packet.set_payload = changed.append  # type: ignore[attr-defined]
    packet.accept = lambda: None  # type: ignore[attr-defined]
    source._queue.callback(packet)
    assert [int.from_bytes(data[42:44], "big") for data in changed] == ([] if offer is None else [offer])
