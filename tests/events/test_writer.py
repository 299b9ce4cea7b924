"""A writer takes events without waiting; what its output does not take is lost and counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pywall_core.events.outputs import Output
from pywall_core.events.writer import Writer


class Scripted(Output):
    """An output that fails to open, or to write, as it is told; ``gate`` holds writes up."""

    name = "scripted"

    def __init__(self) -> None:
        self.opens = True
        self.writes = True
        self.lines: list[bytes] = []
        self.opened = 0
        self.closed = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def open(self) -> None:
        if not self.opens:
            raise FileNotFoundError(2, "No such file or directory")
        self.opened += 1

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        self.gate.wait(10)
        if not self.writes:
            raise OSError(28, "No space left on device")
        self.lines += lines
        return len(lines)

    def close(self) -> None:
        self.closed.set()


def event(number: int) -> dict[str, Any]:
    return {"event_type": "flow", "n": number}


def end(writer: Writer) -> None:
    writer.stop()
    writer.join(10)


def test_events_are_written_in_order_as_lines() -> None:
    output = Scripted()
    writer = Writer(output, 1000)
    for number in range(3):
        writer.put(event(number))
    end(writer)
    assert output.lines == [b'{"event_type":"flow","n":%d}\n' % number for number in range(3)]
    assert (writer.written, writer.lost, writer.queued()) == (3, 0, 0)
    assert output.closed.is_set()


def test_a_full_queue_loses_the_newest() -> None:
    output = Scripted()
    output.gate.clear()
    writer = Writer(output, 2)
    for number in range(1000):
        writer.put(event(number))
    assert writer.queued() <= 2
    output.gate.set()
    end(writer)
    assert writer.written + writer.lost == 1000
    assert output.lines[0] == b'{"event_type":"flow","n":0}\n'


def test_what_cannot_be_written_is_lost_and_said_once(caplog: Any) -> None:
    output = Scripted()
    output.writes = False
    writer = Writer(output, 1000)
    for number in range(5):
        writer.put(event(number))
    end(writer)
    assert (writer.written, writer.lost) == (0, 5)
    assert caplog.messages == ["events to scripted are lost: No space left on device"]


def test_an_output_that_does_not_open_loses_events_and_holds_up_nothing(caplog: Any) -> None:
    output = Scripted()
    output.opens = False
    writer = Writer(output, 1000)
    writer.put(event(1))
    end(writer)
    assert (writer.written, writer.lost, output.opened) == (0, 1, 0)
    assert caplog.messages == ["events to scripted are lost: No such file or directory"]


def test_another_encoding_is_made_in_the_thread() -> None:
    output = Scripted()
    threads: list[str] = []

    def encode(packet: bytes) -> bytes:
        threads.append(threading.current_thread().name)
        return packet.hex().encode()

    writer = Writer(output, 10, encode)
    writer.put(b"\1\2")
    end(writer)
    assert output.lines == [b"0102"]
    assert threads == ["events to scripted"]
