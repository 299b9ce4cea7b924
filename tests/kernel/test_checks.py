"""What ``pywall doctor`` finds on machines that lack something: each check names it and the command that brings it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from pywall_core.kernel import checks, foreign_marks, privileges
from pywall_core.kernel.checks import Check
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.foreign_marks import Use
from pywall_core.kernel.marks import DEFAULT_MASK, Marks


class FakeFirewall:
    """``missing``: iptables is not installed. ``refuses``: it does not take our rules."""

    missing = refuses = ""
    variant = "nft"

    def __init__(self, directory: object, variant: object) -> None:
        if self.missing:
            raise CommandError(self.missing)

    def test(self, plan: object) -> None:
        if self.refuses:
            raise CommandError(self.refuses)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine where all is well, until a test changes it."""
    monkeypatch.setattr(checks, "Firewall", FakeFirewall)
    monkeypatch.setattr(privileges, "has", lambda capability: True)
    monkeypatch.setattr(checks.command, "find", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(checks, "stale_modules", list)
    monkeypatch.setattr(foreign_marks, "uses", list)
    monkeypatch.setattr(checks.RunDir, "recall", lambda self, name: [])
    monkeypatch.setattr(checks, "is_running", lambda: False)
    return monkeypatch


def test_every_check_has_a_name_of_its_own_and_fails_with_a_remedy(machine: pytest.MonkeyPatch) -> None:
    found = list(checks.checks())
    names = [check.name for check in found]
    assert len(set(names)) == len(names)
    assert {"Python", "NetfilterQueue", "plugins", "CAP_NET_ADMIN", "iptables", "marks", "conntrack"} <= set(names)
    assert all(check.remedy for check in found if check.ok is False)


def test_iptables(machine: pytest.MonkeyPatch) -> None:
    assert checks._iptables() == Check("iptables", True, "nft, /usr/sbin/iptables; takes our rules")
    machine.setattr(FakeFirewall, "refuses", "No chain/target/match by that name")
    check = checks._iptables()
    assert check.ok is False
    assert "xt_NFQUEUE" in check.remedy
    machine.setattr(FakeFirewall, "missing", "iptables is not installed (pywall doctor says how)")
    assert checks._iptables().remedy == "apt-get install iptables"


def test_without_root_it_is_not_known_whether_rules_are_taken(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(privileges, "has", lambda capability: False)
    unknown = [checks._iptables(), checks._marks(), checks._instance()]
    assert [check.ok for check in unknown] == [None] * 3
    assert checks._rights() == Check("CAP_NET_ADMIN", False, "no", "sudo pywall doctor")


def test_marks_of_others(machine: pytest.MonkeyPatch) -> None:
    assert checks._marks().ok is True
    machine.setattr(foreign_marks, "uses", lambda: [Use(0xCA6C, "wg-quick"), Use(0x3F00, "mwan3")])
    free = checks._marks()
    assert free.ok is True, "a start takes bits that nobody uses"
    machine.setattr(checks.RunDir, "recall", lambda self, name: [Marks(DEFAULT_MASK).as_json()])
    shared = checks._marks()
    assert (shared.ok, shared.remedy) == (None, "pywall reload")
    assert shared.found == f"wg-quick and 1 more use bits of {DEFAULT_MASK:#010x}: such packets are not carried"
    machine.setattr(foreign_marks, "uses", lambda: [Use(0xFFFFFFFF, "somebody")])
    assert checks._marks().remedy == "set queue.mark_mask to other bits"


def test_the_binding_to_the_queue(machine: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    machine.setattr(importlib.util, "find_spec", lambda name: None if name == "netfilterqueue" else there(name))
    check = checks._netfilterqueue()
    assert check.ok is False
    assert check.remedy.endswith(f"{sys.executable} -m pip install NetfilterQueue")
    machine.setattr(importlib.util, "find_spec", lambda name: there("json"))

    def broken(name: str) -> Any:
        raise ImportError("libnetfilter_queue.so.1: cannot open shared object file")

    machine.setattr(checks.importlib, "import_module", broken)
    assert checks._netfilterqueue().remedy == "apt-get install libnetfilter-queue1"


def test_stale_modules_fail_and_plain_python_does_not(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(checks, "stale_modules", lambda: [Path("/x/decode.so"), Path("/x/walk.so")])
    check = checks._compiled()
    assert (check.ok, check.found) == (False, "2 older than their sources: decode.so ...")
    assert check.remedy.endswith("rm /x/decode.so /x/walk.so")
    machine.setattr(checks, "stale_modules", list)
    spec = importlib.util.find_spec("pywall_core.packet.decode")
    assert spec is not None
    compiled = str(spec.origin).endswith(".so")
    assert checks._compiled().ok is (True if compiled else None)


def test_plugins(machine: pytest.MonkeyPatch) -> None:
    assert checks._plugins().ok is True
    machine.setattr(checks, "entry_points", lambda group: [])
    check = checks._plugins()
    assert (check.ok, check.found) == (False, "none")
    assert "pip install ./plugins/*" in check.remedy


def test_another_instance_is_named(machine: pytest.MonkeyPatch) -> None:
    assert checks._instance().found.startswith("none runs")
    machine.setattr(checks, "is_running", lambda: True)
    assert checks._instance().found == "one runs in this network namespace (pywall status)"
