"""``pywall run``: which events it prints where, and its exit codes."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK, PRIVILEGES
from pywall_core.daemon import supervisor
from pywall_core.daemon.supervisor import StartError
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.rundir import InUseError


class FakeSupervisor:
    """Ends at once, by ``error`` if there is one."""

    made: tuple[str | None, str] = (None, "")
    error: Exception | None = None

    def __init__(self, source: str | None, *, print_events: str) -> None:
        FakeSupervisor.made = (source, print_events)

    def run(self) -> int:
        if FakeSupervisor.error is not None:
            raise FakeSupervisor.error
        return OK


@pytest.fixture(autouse=True)
def _no_firewall(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(supervisor, "Supervisor", FakeSupervisor)
    monkeypatch.setattr(FakeSupervisor, "error", None)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    ours = {name: logging.getLogger(name) for name in ("pywall", "pywall_core")}
    kept = {name: (one.handlers[:], one.level, one.propagate) for name, one in ours.items()}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, one in ours.items():
        one.handlers[:], level, one.propagate = kept[name]
        one.setLevel(level)


@pytest.mark.parametrize(
    ("words", "terminal", "printed"), [([], False, ""), ([], True, "text"), (["--json"], True, "json")]
)
def test_a_terminal_shows_drops_as_text(
    pywall: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], terminal: bool, printed: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert pywall("run", "--config", "p.yaml", *words).code == OK
    assert FakeSupervisor.made == ("p.yaml", printed)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (StartError(PRIVILEGES, "pywall run needs root"), PRIVILEGES, "pywall run needs root"),
        (CommandError("iptables failed (2): x"), FAILURE, "pywall: iptables failed (2): x"),
        (InUseError("runs already"), FAILURE, "pywall: runs already"),
        (
            OSError(28, "No space left on device", "/run/pywall"),
            FAILURE,
            "pywall: /run/pywall: No space left on device",
        ),
        (OSError(12, "Cannot allocate memory"), FAILURE, "pywall: cannot start: Cannot allocate memory"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    pywall: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, text: str
) -> None:
    monkeypatch.setattr(FakeSupervisor, "error", error)
    outcome = pywall("run")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", f"{text}\n")
