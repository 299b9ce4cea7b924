from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pywall_core.kernel import queues
from pywall_core.kernel.queues import LossCounter, Statistics


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "nfnetlink_queue"
    monkeypatch.setattr(queues, "STATISTICS", path)
    return path


def line(number: int, full: int, user: int, packets: int) -> str:
    return f"{number:5}   9431     2 2  3584 {full:5} {user:5} {packets:8}  1\n"


def test_queue_statistics_columns(proc: Path) -> None:
    proc.write_text(line(1, 3, 4, 100) + line(65535, 0, 0, 7))
    assert queues.statistics() == {1: Statistics(2, 3, 4, 100), 65535: Statistics(2, 0, 0, 7)}
    proc.unlink()
    assert queues.statistics() == {}


def test_losses_are_counted_and_logged_at_a_bounded_rate(proc: Path, caplog: pytest.LogCaptureFixture) -> None:
    losses = LossCounter()
    with caplog.at_level(logging.WARNING):
        for second in range(20):
            proc.write_text(line(1, second * 10, second, 1000 * second))
            losses.update(float(second), [1])
    assert 3 <= len(caplog.messages) <= 5
    assert "(queue full)" in caplog.text
    assert losses.describe()["lost"] == {"queue full": 190, "socket buffer full": 19}


def test_losses_of_a_queue_that_was_bound_anew(proc: Path) -> None:
    losses = LossCounter()
    for packets, full in ((1000, 5), (10, 2), (20, 4)):
        proc.write_text(line(1, full, 0, packets))
        losses.update(1.0, [1])
    assert losses.describe()["lost"] == {"queue full": 9}


def test_losses_of_other_queues_are_not_ours(proc: Path) -> None:
    losses = LossCounter()
    proc.write_text(line(9, 50, 50, 1000))
    losses.update(1.0, [1, 2])
    assert losses.describe()["lost"] == {}
