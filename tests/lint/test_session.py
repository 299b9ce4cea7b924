"""The SSH session of whoever checks the policy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywall_core.lint import session

from .conftest import findings, policy

SESSION = (bytes((10, 9, 0, 2)), 45000, bytes((10, 9, 0, 1)), 22)


@pytest.mark.parametrize(
    ("rules", "plugins", "cut"),
    [
        ("{rule: flow, initiator: local, action: ACCEPT}", "rules", True),
        ("{rule: port, dst: 22, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}", "rules", False),
        ("{rule: app, is: ssh, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}",
         "rules, stream, protocols", False),
        ("{rule: app, is: tls, action: ACCEPT}\n{rule: flow, initiator: local, action: ACCEPT}",
         "rules, stream, protocols", True),
        ("{rule: ip, src: 10.9.0.2, action: DROP}\n{rule: always, action: ACCEPT}", "rules", True),
    ],
)  # fmt: skip
def test_the_ssh_session_of_the_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: str, plugins: str, cut: bool
) -> None:
    monkeypatch.setattr(session, "ssh_connection", lambda: SESSION)
    found = findings(policy(tmp_path, rules, "default: {INPUT: DROP}\n", plugins))
    assert [code for _, code, _ in found] == (["W022"] if cut else [])
    assert all("SSH from 10.9.0.2 to port 22" in words for _, _, words in found)


def test_the_session_is_found_in_this_process_or_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("SSH_CONNECTION", "2001:db8::2 45000 2001:db8::1 22")
    found = session.ssh_connection()
    assert found is not None
    assert (len(found[0]), found[1], found[3]) == (16, 45000, 22)
    monkeypatch.setenv("SSH_CONNECTION", "nonsense 1 2 3")
    assert session.ssh_connection() is None
    assert session._of_process(os.getpid())[1] == os.getppid()
