from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywall_core.kernel import command
from pywall_core.kernel.command import CommandError


def script(folder: Path, text: str, mode: int = 0o755) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    path = folder / "tool"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(mode)
    return path


def test_command_is_found_by_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(tmp_path / "bin", "")
    monkeypatch.setenv("PATH", f"relative:{path.parent}")
    assert command.find("tool") == str(path)
    with pytest.raises(CommandError, match="not installed"):
        command.find("no-such-tool")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_command_that_others_may_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    path = script(tmp_path / "bin", "")
    monkeypatch.setenv("PATH", str(path.parent))
    (path if what == "file" else path.parent).chmod(0o777)
    with pytest.raises(CommandError, match="may write"):
        command.find("tool")


def test_command_gets_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("SECRET", "x")
    out = command.run([str(script(tmp_path / "bin", "env; pwd; cat"))], "input")
    assert "SECRET" not in out
    assert "LD_PRELOAD" not in out
    assert out.endswith("/\ninput")


def test_command_failures_are_told_in_its_own_words(tmp_path: Path) -> None:
    path = str(script(tmp_path / "bin", "echo 'line 3 failed' >&2; exit 2"))
    with pytest.raises(CommandError, match=r"failed \(2\): line 3 failed"):
        command.run([path])
    slow = str(script(tmp_path / "bin", "sleep 5"))
    with pytest.raises(CommandError, match="did not end within"):
        command.run([slow], timeout=0.1)
    with pytest.raises(CommandError, match="No such file"):
        command.run([str(tmp_path / "none")])


def test_command_runs_apart_from_the_terminal(tmp_path: Path) -> None:
    """A Ctrl-C goes to the foreground group; a command in a session of its own does not get it."""
    path = script(tmp_path / "bin", "ps -o sid= -p $$")
    assert int(command.run([str(path)])) != os.getsid(0)
