"""The sender with brokers that fail as they please: order, and a count for every event that is lost."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pywall_export import sender as module
from pywall_export.broker import BrokerError, RefusedError
from pywall_export.fields import to_eve
from pywall_export.record import Record
from pywall_export.sender import Sender
from pywall_export.spool import Spool


class FakeBroker:
    """Takes records while ``up``; with ``hold`` set it hangs in a call until released."""

    def __init__(self) -> None:
        self.up = True
        self.taken: list[Record] = []
        #: numbers that are refused for good
        self.never: set[int] = set()
        self.calls = 0
        self.release = threading.Event()
        self.release.set()
        self.in_call = threading.Event()

    def send(self, records: Sequence[Record]) -> None:
        self.in_call.set()
        self.release.wait(20)
        self.calls += 1
        if not self.up:
            raise BrokerError("down")
        if any(json.loads(record.body)["n"] in self.never for record in records):
            raise RefusedError("bad record")
        self.taken += records

    def close(self) -> None:
        pass

    @property
    def numbers(self) -> list[int]:
        return [json.loads(record.body)["n"] for record in self.taken]


@contextmanager
def sending(broker: FakeBroker, folder: Path, **options: Any) -> Iterator[Sender]:
    settings: dict[str, Any] = {"spool_bytes": 1 << 20, "length": 10_000, "encode": to_eve, **options}
    sender = Sender(broker, folder, log=logging.getLogger("test"), **settings)
    yield sender
    sender.stop(20)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


def put(sender: Sender, numbers: range) -> None:
    for n in numbers:
        sender.put({"n": n, "x": "x" * 100})


def test_order_over_an_absence(tmp_path: Path, until: Callable[..., None]) -> None:
    broker = FakeBroker()
    with sending(broker, tmp_path) as sender:
        put(sender, range(100))
        until(lambda: len(broker.taken) == 100)
        broker.up = False
        put(sender, range(100, 2000))
        until(lambda: sender.stats()["waiting"] == 1900)
        assert sender.stats()["away"] == 1
        broker.up = True
        put(sender, range(2000, 3000))
        until(lambda: sender.stats()["sent"] == 3000)
        until(lambda: not any(sender.stats()[name] for name in ("away", "waiting", "spool_bytes")))
    assert broker.numbers == list(range(3000))


def test_a_full_spool_is_counted_and_nothing_else_is_lost(tmp_path: Path, until: Callable[..., None]) -> None:
    broker = FakeBroker()
    broker.up = False
    with sending(broker, tmp_path, spool_bytes=100_000) as sender:
        put(sender, range(2000))
        until(lambda: sender.stats()["queued"] == 0 and sender.stats()["lost_spool"] > 0)
        broker.up = True
        until(lambda: sender.stats()["waiting"] == 0)
        lost = sender.stats()["lost_spool"]
    assert broker.numbers == list(range(2000 - lost))


def test_a_broker_that_hangs_costs_no_time_where_events_are_made(tmp_path: Path) -> None:
    broker = FakeBroker()
    broker.release.clear()
    with sending(broker, tmp_path, length=100) as sender:
        put(sender, range(10))
        assert broker.in_call.wait(20)
        put(sender, range(10, 210))
        assert sender.stats()["queued"] == 100
        assert sender.stats()["lost_queue"] == 100
        broker.release.set()
    assert broker.numbers == list(range(110))


def test_during_a_reload_the_next_one_waits_for_the_folder(tmp_path: Path, until: Callable[..., None]) -> None:
    broker = FakeBroker()
    former = Spool(tmp_path, 1 << 20)
    former.append([Record("former-1", b'{"n":-1}')])
    with sending(broker, tmp_path) as sender:
        put(sender, range(10))
        assert broker.taken == []
        former.close()
        until(lambda: sender.stats()["sent"] == 11)
    assert broker.numbers == [-1, *range(10)]


def test_a_folder_that_cannot_be_used_is_told_with_the_remedy(
    tmp_path: Path, until: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    broker = FakeBroker()
    (tmp_path / "file").write_text("")
    with sending(broker, tmp_path / "file" / "spool", length=5) as sender:
        put(sender, range(10))
        until(lambda: "spool.folder" in caplog.text)
    assert sender.stats()["lost_queue"] == 10
    assert broker.taken == []


def test_an_event_that_is_no_json_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    broker = FakeBroker()
    with sending(broker, tmp_path) as sender:
        sender.put({"n": object()})
        sender.put({"n": float("nan")})
        put(sender, range(3))
    assert broker.numbers == [0, 1, 2]
    assert sender.stats()["lost_encoding"] == 2


def test_a_bug_in_a_broker_does_not_end_the_thread(tmp_path: Path, until: Callable[..., None]) -> None:
    class Broken(FakeBroker):
        def send(self, records: Sequence[Record]) -> None:
            if not self.up:
                raise RuntimeError("a bug")
            super().send(records)

    broker = Broken()
    broker.up = False
    with sending(broker, tmp_path) as sender:
        put(sender, range(1))
        until(lambda: sender.stats()["queued"] == 0)
        broker.up = True
        put(sender, range(1, 5))
        until(lambda: 4 in broker.numbers)
    assert broker.numbers == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("away_first", [False, True])
def test_what_is_refused_for_good_is_set_aside_and_the_rest_goes_on(
    tmp_path: Path, until: Callable[..., None], away_first: bool
) -> None:
    broker = FakeBroker()
    broker.up = not away_first
    broker.never = {0, 123, 124, 499, 900}
    with sending(broker, tmp_path) as sender:
        put(sender, range(1000))
        if away_first:
            until(lambda: sender.stats()["waiting"] == 1000)
            broker.up = True
        until(lambda: sender.stats()["sent"] == 995)
        assert sender.stats()["waiting"] == sender.stats()["away"] == 0
        assert sender.stats()["lost_refused"] == 5
    assert broker.numbers == [n for n in range(1000) if n not in broker.never]
    kept = [json.loads(line.partition("\t")[2])["n"] for line in (tmp_path / "refused.jsonl").read_text().splitlines()]
    assert kept == sorted(broker.never)


def test_a_broker_that_refuses_all_costs_few_calls(tmp_path: Path, until: Callable[..., None]) -> None:
    broker = FakeBroker()
    broker.never = set(range(500))
    with sending(broker, tmp_path) as sender:
        put(sender, range(500))
        put(sender, range(1000, 1010))
        until(lambda: sender.stats()["sent"] == 10)
        assert sender.stats()["lost_refused"] == 500
    assert broker.calls < 300


def test_a_broker_that_goes_away_amid_a_search_loses_and_repeats_nothing(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    broker = FakeBroker()
    broker.never = {7}
    send = broker.send

    def fail_once(records: Sequence[Record]) -> None:
        if len(broker.taken) == 7 and len(records) > 1 and broker.calls < 50:
            raise BrokerError("gone")
        send(records)

    broker.send = fail_once  # type: ignore[method-assign]
    with sending(broker, tmp_path) as sender:
        put(sender, range(100))
        until(lambda: sender.stats()["failures"] > 0 or sender.stats()["sent"] == 99)
        broker.calls = 50
        until(lambda: sender.stats()["sent"] == 99)
        assert sender.stats()["lost_refused"] == 1
    assert broker.numbers == [n for n in range(100) if n != 7]
