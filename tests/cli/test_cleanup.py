"""``pywall cleanup``: refused while the firewall runs, and what it says that it did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK, PRIVILEGES
from pywall_core.kernel import firewall, privileges, rundir
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.rundir import InUseError


class FakeRunDir:
    """``in_use``: a firewall runs. Counts how often it was taken and given back."""

    in_use = False
    held = 0

    def acquire(self) -> None:
        if self.in_use:
            raise InUseError("pywall runs here (pid 7)")
        FakeRunDir.held += 1

    def release(self) -> None:
        FakeRunDir.held = 0


class FakeFirewall:
    left: bool | str = False

    def __init__(self, directory: object, variant: object) -> None: ...

    def clean_up(self) -> bool:
        assert FakeRunDir.held == 1, "no firewall starts meanwhile"
        if isinstance(self.left, str):
            raise CommandError(self.left)
        return self.left


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "has", lambda capability: True)
    monkeypatch.setattr(rundir, "RunDir", FakeRunDir)
    monkeypatch.setattr(firewall, "Firewall", FakeFirewall)
    monkeypatch.setattr(FakeRunDir, "in_use", False)
    monkeypatch.setattr(FakeRunDir, "held", 0)


@pytest.mark.parametrize(("left", "text"), [(True, "removed what a former run left\n"), (False, "nothing to remove\n")])
def test_it_says_whether_there_was_something(
    pywall: Any, monkeypatch: pytest.MonkeyPatch, left: bool, text: str
) -> None:
    monkeypatch.setattr(FakeFirewall, "left", left)
    assert pywall("cleanup") == (OK, text, "")
    assert json.loads(pywall("cleanup", "--json").out) == {"removed": left}
    assert FakeRunDir.held == 0


def test_a_running_firewall_keeps_its_rules(pywall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeRunDir, "in_use", True)
    assert pywall("cleanup") == (FAILURE, "", "pywall: pywall runs here (pid 7)\n")


def test_what_iptables_refuses_is_said(pywall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeFirewall, "left", "iptables failed (4): resource busy")
    assert pywall("cleanup") == (FAILURE, "", "pywall: iptables failed (4): resource busy\n")


def test_it_needs_root(pywall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "has", lambda capability: False)
    assert pywall("cleanup") == (PRIVILEGES, "", "pywall cleanup needs root (CAP_NET_ADMIN)\n")
