"""The NFQUEUE source with a fake queue: one verdict a packet, on every path."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

nfqueue = pytest.importorskip("pywall_core.sources.nfqueue")

from pywall_core.kernel.marks import Marks  # noqa: E402
from pywall_core.model.verdict import ACCEPT, DROP, REJECT, Verdict  # noqa: E402

M = Marks()
IPV4 = bytes.fromhex("4500001c00004000401100000a4d00020a4d0001") + bytes.fromhex("1f401f4100080000")


class FakePacket:
    hook = 1
    indev = outdev = 0

    def __init__(self, mark: int = 0, payload: bytes = IPV4) -> None:
        self.mark = mark
        self.payload = payload
        self.given_mark: int | None = None
        self.verdicts: list[str] = []

    def get_payload(self) -> bytes:
        return self.payload

    def set_mark(self, mark: int) -> None:
        self.given_mark = mark

    def _give(self, verdict: str) -> None:
        if self.verdicts:
            raise RuntimeError("Verdict already given for this packet")
        self.verdicts.append(verdict)

    def accept(self) -> None:
        self._give("accept")

    def drop(self) -> None:
        self._give("drop")

    def repeat(self) -> None:
        self._give("repeat")


class FakeQueue:
    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()

    def bind(self, number: int, callback: Callable[[FakePacket], None], **options: Any) -> None:
        self.callback = callback
        self.options = options

    def get_fd(self) -> int:
        return self.ours.fileno()

    def unbind(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.setattr(nfqueue, "NetfilterQueue", FakeQueue)
    made = []

    def build(
        verdict: Verdict | BaseException, *, offloadable: int = 1, pulse: Any = lambda *_: None, **options: Any
    ) -> Any:
        def process(packet: Any) -> Verdict:
            if isinstance(verdict, BaseException):
                raise verdict
            return verdict

        engine = SimpleNamespace(process=process, offloadable=lambda *_: offloadable, wants_interfaces=True)
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
    build(verdict, **options)._queue.callback(packet)
    assert packet.verdicts == [expected]
    assert packet.given_mark == mark


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
    build(verdict)._queue.callback(packet)
    assert packet.verdicts == [expected]
    assert packet.given_mark == mark


@pytest.mark.parametrize(("passing", "expected"), [(False, "drop"), (True, "accept")])
@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), RecursionError()])
def test_nfqueue_internal_error_still_gives_a_verdict(
    build: Any, error: Exception, passing: bool, expected: str
) -> None:
    source = build(error, pass_failures=passing)
    packet = FakePacket()
    source._queue.callback(packet)
    assert packet.verdicts == [expected]
    assert source.failures == 1


def test_nfqueue_error_after_the_verdict_gives_no_second_one(build: Any) -> None:
    def pulse(now: float, idle: bool) -> None:
        raise ValueError("after the verdict")

    packet = FakePacket()
    build(Verdict(ACCEPT), pulse=pulse)._queue.callback(packet)
    assert packet.verdicts == ["accept"]


def test_nfqueue_stop_leaves_run_after_the_verdict(build: Any) -> None:
    def pulse(now: float, idle: bool) -> None:
        raise nfqueue.Stop

    packet = FakePacket()
    with pytest.raises(nfqueue.Stop):
        build(Verdict(DROP), pulse=pulse)._queue.callback(packet)
    assert packet.verdicts == ["drop"]


@pytest.mark.parametrize("payload", [b"", b"\x45", b"\x60" + bytes(10), bytes(60), IPV4[:21]])
def test_nfqueue_takes_any_payload(build: Any, payload: bytes) -> None:
    packet = FakePacket(payload=payload)
    build(Verdict(DROP))._queue.callback(packet)
    assert packet.verdicts == ["drop"]


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
    assert [names.name(index) for index in (0, 1, 1, 9)] == ["", "eth1", "eth1", ""]
    assert asked == [1, 9]
