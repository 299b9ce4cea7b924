"""Events in a real NATS JetStream: a restart of the server loses none, and none is there twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import StreamConfig
from pywall_export.options import ExportOptions
from pywall_export.plugin import Export

from pywall_core.testing import InMemory, engine

SUBJECT = "pywall.events"


class NatsServer:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.folder = folder
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, until: Callable[..., None]) -> None:
        command = ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.answers)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(20)
            self.process = None

    def ask(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        async def run() -> Any:
            client = await nats.connect(self.url)
            try:
                return await work(client.jetstream(timeout=10))
            finally:
                await client.close()

        return asyncio.run(run())

    def make_stream(self) -> None:
        self.ask(lambda stream: stream.add_stream(StreamConfig(name="PYWALL", subjects=[SUBJECT])))

    def numbers(self) -> list[int]:
        async def read(stream: Any) -> list[int]:
            count = (await stream.stream_info("PYWALL")).state.messages
            pull = await stream.pull_subscribe(SUBJECT, "reader")
            found: list[int] = []
            while len(found) < count:
                messages = await pull.fetch(min(500, count - len(found)), timeout=10)
                found += [json.loads(message.data)["n"] for message in messages]
                await asyncio.gather(*(message.ack() for message in messages))
            return found

        numbers: list[int] = self.ask(read)
        return numbers


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    if shutil.which("nats-server") is None:
        pytest.skip("nats-server is not installed (Debian package nats-server)")
    server = NatsServer(tmp_path / "nats")
    yield server
    server.stop()


def exporting(server: NatsServer, folder: Path) -> tuple[Export, InMemory]:
    plugin = Export(ExportOptions(url=server.url, topic=SUBJECT, spool={"folder": folder / "spool"}))
    return plugin, engine({"chains": {"INPUT": []}}, plugins={"export": plugin}, live=True)


@pytest.mark.parametrize("kill", [False, True], ids=["terminated", "killed"])
def test_a_restart_in_the_middle_loses_nothing(
    nats_server: NatsServer, tmp_path: Path, until: Callable[..., None], kill: bool
) -> None:
    nats_server.start(until)
    nats_server.make_stream()
    plugin, lab = exporting(nats_server, tmp_path)
    total, half = 6_000, threading.Event()

    def restart() -> None:
        half.wait()
        nats_server.stop(kill=kill)
        until(lambda: plugin.pywall_stats()["waiting"] > 0)
        nats_server.start(until)

    restarting = threading.Thread(target=restart)
    restarting.start()
    for n in range(total):
        until(lambda: plugin.pywall_stats()["queued"] < 2_000)
        plugin.pywall_event({"event_type": "test", "n": n})
        if n == total // 2:
            half.set()
    restarting.join(30)
    until(lambda: plugin.pywall_stats()["sent"] == total, 60)
    lab.close()
    stats = plugin.pywall_stats()
    assert [name for name, n in stats.items() if name.startswith("lost") and n] == []
    assert stats["spooled"] > 0
    numbers = nats_server.numbers()
    assert sorted(numbers) == list(range(total)), "the server knows duplicates by their IDs"


def test_a_subject_without_a_stream_counts_as_away(
    nats_server: NatsServer, tmp_path: Path, until: Callable[..., None]
) -> None:
    nats_server.start(until)
    plugin, lab = exporting(nats_server, tmp_path)
    for n in range(100):
        plugin.pywall_event({"event_type": "test", "n": n})
    until(lambda: plugin.pywall_stats()["waiting"] == 100)
    nats_server.make_stream()
    until(lambda: plugin.pywall_stats()["sent"] == 100)
    lab.close()
    assert nats_server.numbers() == list(range(100))


def test_without_a_server_events_are_on_disk_at_the_end(
    nats_server: NatsServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugin, lab = exporting(nats_server, tmp_path)
    plugin.pywall_event({"event_type": "test", "n": 1})
    lab.close()
    assert plugin.pywall_stats()["waiting"] == 1
    (segment,) = (tmp_path / "spool").rglob("*.spool")
    assert segment.read_bytes().split(b"\t")[1] == b'{"event_type":"test","n":1}\n'
    assert "refused" in caplog.text or "Connect call failed" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("export")]


def test_an_event_that_is_too_large_blocks_nothing(
    nats_server: NatsServer, tmp_path: Path, until: Callable[..., None]
) -> None:
    nats_server.start(until)
    nats_server.make_stream()
    plugin, lab = exporting(nats_server, tmp_path)
    for n in range(40):
        plugin.pywall_event({"event_type": "test", "n": n, "x": "x" * (2_000_000 if n == 20 else 10)})
    until(lambda: plugin.pywall_stats()["sent"] == 39)
    assert plugin.pywall_stats()["lost_refused"] == 1
    lab.close()
    assert set(nats_server.numbers()) == set(range(40)) - {20}
