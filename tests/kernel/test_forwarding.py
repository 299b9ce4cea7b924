"""Which families this machine forwards, by a folder in place of ``/proc/sys/net``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.kernel import forwarding
from pywall_core.kernel.forwarding import host_only, with_ways_in
from pywall_core.kernel.ruleset import Plan, SetDrop


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A host with two interfaces that forwards nothing."""
    for family in (4, 6):
        for interface in ("all", "default", "lo", "eth0"):
            folder = tmp_path / f"ipv{family}" / "conf" / interface
            folder.mkdir(parents=True)
            for name in ("forwarding", "mc_forwarding"):
                (folder / name).write_text("0\n")
    return tmp_path


def test_a_host_forwards_nothing(proc: Path) -> None:
    assert host_only(proc) == {4, 6}


@pytest.mark.parametrize("interface", ["all", "default", "eth0"])
@pytest.mark.parametrize("name", ["forwarding", "mc_forwarding"])
def test_one_interface_makes_a_router(proc: Path, interface: str, name: str) -> None:
    (proc / "ipv6" / "conf" / interface / name).write_text("1\n")
    assert host_only(proc) == {4}


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize("bridge", [True, False])
def test_a_bridge_whose_frames_may_pass_iptables_is_a_router(
    proc: Path, monkeypatch: pytest.MonkeyPatch, loaded: bool, bridge: bool
) -> None:
    monkeypatch.setattr(forwarding, "has_bridge", lambda: bridge)
    if loaded:
        (proc / "bridge").mkdir()
    assert host_only(proc) == (set() if loaded and bridge else {4, 6})


def test_what_the_kernel_does_not_say_counts_as_forwarding(proc: Path, tmp_path: Path) -> None:
    assert host_only(tmp_path / "nowhere") == frozenset()
    (proc / "ipv4" / "conf" / "eth0" / "forwarding").unlink()
    (proc / "ipv4" / "conf" / "eth0" / "forwarding").mkdir()  # cannot be read
    assert host_only(proc) == {6}


def test_a_plan_without_drops_at_input_does_not_ask() -> None:
    for plan in (Plan(("INPUT",), 3), Plan(("FORWARD",), 3, drops=(SetDrop("FORWARD", "bad", "src"),))):
        assert with_ways_in(plan) is plan
    assert with_ways_in(Plan(("INPUT",), 3, drops=(SetDrop("INPUT", "bad", "src"),))).host_only == host_only()
