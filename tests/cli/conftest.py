"""The command line in-process: exit code, standard output, standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pywall_core.cli import main
from pywall_core.daemon import control
from pywall_core.testing import conversation, engine

from .crowdsec_api import FakeApi


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


POLICY = """plugins: [rules, stream]
failure: {all: open, stream: drop-flow}
chains:
  INPUT:
    - {all: [{rule: port, protocol: tcp, dst: 22}, {not: {rule: ip, src: 192.0.2.0/24}}], action: REJECT, comment: ssh}
    - {rule: tcp-state, is: CLOSED, action: DROP, observe: true}
    - {rule: always, action: more}
  more:
    - {rule: log}
default: {INPUT: DROP}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


SSH_POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: DROP}
"""


@pytest.fixture
def ssh_policy(tmp_path: Path) -> str:
    """The path of a policy that drops SSH by content."""
    file = tmp_path / "policy.yaml"
    file.write_text(SSH_POLICY)
    return str(file)


def read_events(text: str) -> list[dict[str, Any]]:
    """Return the events of a JSON output, one a line."""
    return [json.loads(line) for line in text.splitlines()]


RULE = {"rule": "port", "dst": 53, "action": "DROP", "comment": "no DNS"}


@pytest.fixture
def counted(firewall: FakeFirewall) -> FakeFirewall:
    """Two workers, each of which has dropped one packet of DNS and accepted one."""
    workers = []
    for _ in range(2):
        lab = engine({"plugins": ["rules"], "chains": {"INPUT": [RULE]}})
        lab.send(conversation("udp", ("192.0.2.1", 4000), ("198.51.100.9", 53)).client(b"x"))
        lab.send(conversation("udp", ("192.0.2.1", 4001), ("198.51.100.9", 443)).client(b"y"))
        workers.append(json.loads(json.dumps(lab.engine.stats())))
    firewall.answers["stats"] = {"ok": True, "stats": workers}
    firewall.answers["status"] = {
        "ok": True,
        "pid": 7,
        "policy": "pywall.yaml",
        "mode": "enforce",
        "uptime": 3725.0,
        "hooks": ["INPUT"],
        "generation": 3,
        "workers": [{"pid": 8, "queue": 0, "age": 61.0}],
        "restarts": 1,
        "rules_restored": 2,
        "queues": {"0": {"waiting": 4, "packets": 9}, "lost": {"queue full": 5, "socket buffer full": 0}},
    }
    return firewall


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A CrowdSec API that a test plays."""
    made = FakeApi()
    yield made
    made.server.shutdown()
    made.server.server_close()
