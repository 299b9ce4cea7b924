"""The command line in-process: exit code, standard output, standard error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pywall_core.cli import main
from pywall_core.daemon import control


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def pywall(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """``pywall("check", file)`` runs the command in this process."""

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        return Outcome(code, *capsys.readouterr())

    return run


class FakeFirewall:
    """Stands for the running firewall: answers by command; the requests that came are kept."""

    def __init__(self) -> None:
        self.runs = True
        self.answers: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []

    def ask(self, path: object, request: dict[str, Any], timeout: float = 10.0) -> dict[str, Any]:
        if not self.runs:
            raise control.NotRunningError("no firewall runs in this network namespace")
        self.requests.append(request)
        return self.answers.get(request["command"], {"ok": False, "error": "unknown command"})


@pytest.fixture
def firewall(monkeypatch: pytest.MonkeyPatch) -> FakeFirewall:
    """A firewall that commands ask, without a process or a socket."""
    fake = FakeFirewall()
    monkeypatch.setattr(control, "ask", fake.ask)
    return fake
