"""The sink chooses events by type, limits drops and anomalies, and hands the rest to each output."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywall_core.config.model import Events
from pywall_core.events import sink
from pywall_core.events.outputs import FileOutput, Output
from pywall_core.events.sink import Sink, open_sink


def event(n: int, kind: str = "flow", **more: Any) -> dict[str, Any]:
    return {"event_type": kind, "n": n, **more}


def numbers(text: bytes) -> list[int]:
    return [json.loads(line)["n"] for line in text.splitlines()]


def test_drops_are_limited_and_the_next_one_says_how_many_were_not_written(tmp_path: Path) -> None:
    now = [100.0]
    path = tmp_path / "eve.json"
    events = Sink([FileOutput(str(path))], clock=lambda: now[0])
    for n in range(1000):
        events.emit(event(n, "drop"))
        events.emit(event(n, "flow"))
    now[0] += 1.0
    events.emit(event(1000, "drop"))
    events.close()
    found = [json.loads(line) for line in path.read_bytes().splitlines()]
    drops = [e for e in found if e["event_type"] == "drop"]
    assert len(drops) == sink.MAX_PER_SECOND + 1
    assert drops[-1]["pywall"] == {"suppressed": 1000 - sink.MAX_PER_SECOND}
    assert sum(e["event_type"] == "flow" for e in found) == 1000
    assert events.stats()["suppressed"] == 1000 - sink.MAX_PER_SECOND


def test_only_the_wanted_types_are_written(tmp_path: Path) -> None:
    path = tmp_path / "eve.json"
    events = open_sink(Events(file=str(path), types=["tls"]))
    events.emit(event(1, "flow"))
    events.emit(event(2, "tls"))
    events.close()
    assert numbers(path.read_bytes()) == [2]


def test_without_outputs_nothing_runs() -> None:
    before = threading.active_count()
    events = open_sink(Events())
    assert not events.active
    events.emit(event(1))
    events.close()
    assert threading.active_count() == before


class Kept(Output):
    """An output that keeps what is written."""

    name = "memory"

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def open(self) -> None:
        """Nothing to open."""

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        self.written += lines
        return len(lines)

    def close(self) -> None:
        """Nothing is open."""


def test_each_output_gets_each_event() -> None:
    outputs = [Kept(), Kept()]
    events = Sink([*outputs])
    for n in range(3):
        events.emit(event(n))
    events.close()
    assert [numbers(b"".join(output.written)) for output in outputs] == [[0, 1, 2]] * 2
    assert events.stats()["written"] == 6


def test_packets_go_to_their_own_output(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = Kept()
    events = Sink([], packets=packets)
    assert not events.active, "there is no output for events"
    assert events.keeps_packets
    events.keep_packet(bytes.fromhex("450000140000000040010000c0000201c0000202"), "why")
    events.close()
    assert len(packets.written) == 1
    assert events.stats()["packets_written"] == 1
