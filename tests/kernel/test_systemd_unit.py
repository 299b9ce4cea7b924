from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from pywall_core.cli.systemd import unit
from pywall_core.daemon.systemd_notify import notify

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@needs_systemd
@pytest.mark.parametrize("iptables", [None, "nft", "legacy"])
def test_systemd_exposure_is_at_most_3(tmp_path: Path, iptables: str | None) -> None:
    path = tmp_path / "pywall.service"
    path.write_text(unit("/usr/bin/true", "/etc/pywall/pywall.yaml", iptables))
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)]
    out = subprocess.run(argv, capture_output=True, text=True).stdout
    exposure = re.search(r"Overall exposure level .*: ([0-9.]+)", out)
    assert exposure is not None, out
    assert float(exposure[1]) <= 3.0


@needs_systemd
def test_systemd_unit_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "pywall.service"
    path.write_text(unit("/usr/bin/true", "policy:default", None))
    argv = ["systemd-analyze", "verify", "--man=no", str(path)]
    told = subprocess.run(argv, capture_output=True, text=True).stderr.splitlines()
    assert [line for line in told if path.name in line] == []  # it complains of the machine's own units as well


def test_systemd_unit_says_what_was_asked_for() -> None:
    text = unit("/opt/a b/pywall", "/etc/100%.yaml", "legacy")
    assert 'ExecStart="/opt/a b/pywall" run --config /etc/100%%.yaml\n' in text
    assert 'ExecStopPost="/opt/a b/pywall" cleanup\n' in text
    assert "CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW" in text
    assert "PYWALL_IPTABLES=legacy" in text
    assert not re.search(r"@[A-Z_]+@", text)


@pytest.mark.parametrize("installed", [True, False])
def test_systemd_unit_lets_helper_processes_see_others(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    """Whatever the policy: a reload may be the first to ask for one."""
    monkeypatch.setattr("pywall_core.plugins.helpers.are_helpers_installed", lambda: installed)
    more = " CAP_SYS_PTRACE CAP_DAC_READ_SEARCH" if installed else ""
    assert f"CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW{more}\n" in unit("/usr/bin/pywall", "policy:default", None)


def test_the_service_has_all_that_the_supervisor_keeps() -> None:
    """What it asks the kernel for and its bounding set lacks would end each start (capset(2))."""
    given = re.search(r"^CapabilityBoundingSet=(.*)$", unit("/usr/bin/pywall", "policy:default", None), re.MULTILINE)
    assert given is not None
    assert {"CAP_NET_ADMIN", "CAP_NET_RAW"} <= set(given[1].split())


def test_notify_sends_a_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        notify("READY=1", "STATUS=x")
        assert manager.recv(100) == b"READY=1\nSTATUS=x"
    notify("the manager is gone")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("there is none")
