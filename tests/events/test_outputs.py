"""Outputs write what they can, count what they lose, and hold up nobody: real files, pipes, sockets, a full disk."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.config import Events
from pywall_core.events import Sink, open_sink, writer
from pywall_core.events.outputs import FileOutput, Output, StdoutOutput, SyslogOutput


def event(n: int, kind: str = "flow", **more: Any) -> dict[str, Any]:
    return {"event_type": kind, "n": n, **more}


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def numbers(text: bytes) -> list[int]:
    return [json.loads(line)["n"] for line in text.splitlines()]


@pytest.fixture
def opened() -> Iterator[Callable[..., Sink]]:
    sinks: list[Sink] = []

    def make(*outputs: Output, **settings: Any) -> Sink:
        sinks.append(Sink(list(outputs), **settings))
        return sinks[-1]

    yield make
    for made in sinks:
        made.close(0.5)


def test_file_is_appended_to_and_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b'{"n":-1}\n')
    events = open_sink(Events(file=str(path)))
    for n in range(1000):
        events.emit(event(n))
    until(lambda: events.stats()["written"] == 1000)
    path.rename(tmp_path / "eve.json.1")
    events.reopen()
    until(path.exists)
    events.emit(event(1000))
    events.close()
    assert numbers((tmp_path / "eve.json.1").read_bytes()) == list(range(-1, 1000))
    assert numbers(path.read_bytes()) == [1000]
    assert path.stat().st_mode & 0o007 == 0
    assert events.stats() == {"written": 1001, "lost": 0, "suppressed": 0, "queued": 0}


def test_close_writes_what_is_queued(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    events = open_sink(Events(file=str(path)))
    for n in range(5000):
        events.emit(event(n))
    events.close()
    assert numbers(path.read_bytes()) == list(range(5000))


def test_full_disk_loses_events_and_nothing_else(opened: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.0)
    events = opened(FileOutput("/dev/full"))
    for n in range(10):
        events.emit(event(n))
    until(lambda: events.stats()["lost"] == 10)
    assert events.stats()["written"] == 0


def test_a_line_that_was_cut_by_a_full_disk_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "eve.json"
    output = FileOutput(str(path))
    output.open()
    write = os.write

    def nearly_full(fd: int, data: bytes) -> int:
        if path.stat().st_size:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, bytes(data[:10]))

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(OSError, match="No space"):
        output.write([b'{"n":1,"long":"line"}\n'], lambda: False)
    monkeypatch.undo()
    assert output.write([b'{"n":2}\n', b'{"n":3}\n'], lambda: False) == 2
    output.close()
    assert path.read_bytes().splitlines() == [b'{"n":1,"lo', b'{"n":2}', b'{"n":3}']


def test_a_line_that_a_killed_process_left_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    path.write_bytes(b'{"n":1}\n{"n":')
    events = open_sink(Events(file=str(path)))
    events.emit(event(2))
    events.close()
    assert path.read_bytes().splitlines()[:2] == [b'{"n":1}', b'{"n":']
    assert numbers(path.read_bytes().splitlines()[2]) == [2]


def test_missing_folder_is_reported_once_and_tried_again(
    tmp_path: Path, opened: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "later" / "eve.json"
    events = opened(FileOutput(str(path)))
    for n in range(5):
        events.emit(event(n))
    until(lambda: events.stats()["lost"] == 5)
    assert [record.getMessage() for record in caplog.records] == [
        f"events to {path} are lost: No such file or directory"
    ]
    path.parent.mkdir()
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.0)
    events.emit(event(5))
    until(lambda: events.stats()["written"] == 1)
    assert numbers(path.read_bytes()) == [5]


def test_blocked_pipe_never_blocks_and_catches_up(opened: Callable[..., Sink]) -> None:
    reading, writing = os.pipe()
    events = opened(StdoutOutput(writing), length=500)
    started = time.monotonic()
    for n in range(20_000):
        events.emit(event(n, text="x" * 200))
        if n % 1000 == 0:
            time.sleep(0.001)
    assert time.monotonic() - started < 5
    until(lambda: events.stats()["queued"] == 500)
    lost = events.stats()["lost"]
    assert lost > 15_000
    threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reading, 1 << 16), b"")], daemon=True).start()
    until(lambda: events.stats()["queued"] == 0)
    events.close()
    until(lambda: events.stats()["written"] + events.stats()["lost"] == 20_000)
    os.close(writing)


def test_close_does_not_wait_for_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    events = Sink([StdoutOutput(writing)])
    for n in range(3000):
        events.emit(event(n, text="x" * 200))
    started = time.monotonic()
    events.close(1.0)
    assert time.monotonic() - started < 2.5
    until(lambda: events.stats()["written"] + events.stats()["lost"] == 3000)
    os.close(reading)
    os.close(writing)


def test_reader_that_went_away(opened: Callable[..., Sink]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    events = opened(StdoutOutput(writing))
    events.emit(event(1))
    until(lambda: events.stats()["lost"] == 1)
    os.close(writing)


def test_unix_socket_and_its_return(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.0)
    path = str(tmp_path / "eve.sock")
    events = open_sink(Events(socket=path))
    events.emit(event(0))
    until(lambda: events.stats()["lost"] == 1)
    for round_ in (1, 2):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            server.settimeout(5)
            written = events.stats()["written"]
            events.emit(event(round_))
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                got = connection.recv(4096)
                assert numbers(got)[-1] == round_
            until(lambda before=written: events.stats()["written"] > before)
        Path(path).unlink()
        lost = events.stats()["lost"]
        until(lambda before=lost: events.emit(event(9)) or events.stats()["lost"] > before)
    events.close()


def test_syslog_datagrams(tmp_path: Path, opened: Callable[..., Sink]) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(5)
        events = opened(SyslogOutput(path))
        events.emit(event(1))
        message = server.recv(4096)
    head, _, body = message.partition(b": ")
    assert head == f"<30>pywall[{os.getpid()}]".encode()
    assert json.loads(body)["n"] == 1
