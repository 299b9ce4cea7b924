"""The hand-over file: of this boot, young, bounded, and readable only by its owner."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from pywall_core.daemon import handover


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "handover.jsonl"


def test_messages_come_back_in_order(path: Path) -> None:
    handover.write(path, [{"flows": [[1]]}, {"state": {"a": 1}}])
    assert handover.load(path) == [{"flows": [[1]]}, {"state": {"a": 1}}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_nothing_is_known(path: Path) -> None:
    assert handover.load(path) == []


@pytest.mark.parametrize(
    "change", [{"version": -1}, {"boot": "another"}, {"time": -1e9}, {"time": 1e18}, {"time": None}]
)
def test_a_file_of_another_version_boot_or_time_says_nothing(path: Path, change: dict[str, object]) -> None:
    handover.write(path, [{"flows": [[1]]}])
    header, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps({**json.loads(header), **change}) + "\n" + rest)
    assert handover.load(path) == []


@pytest.mark.parametrize("line", ["{", "[1]", "[" * 100_000, ""])
def test_a_line_that_is_no_message_is_left_out(path: Path, line: str) -> None:
    handover.write(path, [])
    path.write_text(path.read_text() + line + '\n{"flows": [[2]]}\n')
    assert handover.load(path) == [{"flows": [[2]]}]


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    handover.write(target, [{"flows": [[1]]}])
    path.symlink_to(target)
    assert handover.load(path) == []


def test_the_file_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(handover, "MAX_FILE", 1000)
    handover.write(path, [{"flows": ["x" * 100]}] * 100)
    assert path.stat().st_size <= 1000
    assert "the file is full" in caplog.text


def test_a_write_that_fails_leaves_the_file_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handover.write(path, [{"flows": [[1]]}])

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handover, "_write", fail)
    with pytest.raises(OSError, match="No space"):
        handover.write(path, [{"flows": [[2]]}])
    assert handover.load(path) == [{"flows": [[1]]}]
    assert [file.name for file in path.parent.iterdir()] == [path.name]
