"""The run directory: what it remembers, and that a full disk ends nothing."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from pywall_core.daemon import handover
from pywall_core.kernel import rundir
from pywall_core.kernel.rundir import RunDir


def test_what_is_remembered_is_there_for_the_next_process(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.acquire()
    run.remember("marks", [1])
    assert run.next_generation() != run.next_generation()
    run.release()
    again = RunDir(tmp_path)
    assert again.recall("marks") == [1]
    again.forget("marks")
    assert again.recall("marks") is None


def test_what_another_namespace_left_under_the_same_inode_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's bans are not those of the next container that gets its inode."""
    for cookie, before in (("01", None), ("02", None), ("02", [1]), ("", [1]), ("02", [1])):
        monkeypatch.setattr(rundir, "_namespace_cookie", lambda cookie=cookie: cookie)
        run = RunDir(tmp_path)
        run.acquire()
        assert run.recall("sets") == before, cookie
        run.remember("sets", [1])
        run.handover.write_text("flows")
        run.release()
    monkeypatch.undo()
    run.acquire()
    assert not run.handover.exists(), "this namespace has a cookie of its own"


def fill(monkeypatch: pytest.MonkeyPatch) -> None:
    def write_text(self: Path, data: str, *_: Any, **__: Any) -> int:
        with self.open("w") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", write_text)


def test_a_full_disk_is_said_once_and_forgets_nothing_while_the_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunDir(tmp_path)
    run.acquire()
    run.remember("marks", [1])
    before = set(run.path.iterdir())
    with monkeypatch.context() as patch:
        fill(patch)
        run.remember("marks", [1, 2])
        run.remember("marks", [1, 2, 3])
        generations = {run.next_generation() for _ in range(3)}
    assert run.recall("marks") == [1, 2, 3]
    assert len(generations) == 3
    assert set(run.path.iterdir()) == before, "no half of a file"
    assert [record.args[1] for record in caplog.records if "marks" in str(record.args)] == ["No space left on device"]
    assert RunDir(tmp_path).recall("marks") == [1], "what was on the disk stays"
    run.remember("marks", [4])
    assert RunDir(tmp_path).recall("marks") == [4]


def test_a_full_disk_leaves_the_hand_over_file_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "handover.jsonl"
    handover.write(path, [{"flows": [1]}])

    def write(file: Path, _: Any) -> int:
        file.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(handover, "_write", write)
    with pytest.raises(OSError, match="No space"):
        handover.write(path, [{"flows": [2]}])
    assert handover.load(path) == [{"flows": [1]}]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "", "\0"])
def test_what_is_no_json_is_nothing(tmp_path: Path, text: str) -> None:
    run = RunDir(tmp_path)
    run.path.mkdir()
    (run.path / "marks.json").write_text(text)
    assert run.recall("marks") is None
