"""Conntrack counts while the firewall runs, where it did not before, and says so where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.kernel import accounting, conntrack
from pywall_core.kernel.rundir import RunDir


@pytest.fixture
def switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "acct"
    monkeypatch.setattr(conntrack, "ACCOUNTING", path)
    return path


@pytest.mark.parametrize("before", ["0", "1"])
def test_conntrack_stops_counting_when_it_did_not_count_before(switch: Path, tmp_path: Path, before: str) -> None:
    switch.write_text(f"{before}\n")
    rundir = RunDir(tmp_path)
    accounting.note(rundir)
    accounting.begin()
    assert switch.read_text().strip() == "1"
    accounting.note(rundir)  # a second installation
    accounting.set_back(rundir)
    assert switch.read_text().strip() == before
    accounting.set_back(rundir)  # it is remembered once
    switch.write_text("1")
    accounting.set_back(rundir)
    assert switch.read_text() == "1"


def test_a_kernel_without_the_switch_is_said(switch: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    accounting.note(RunDir(tmp_path))
    accounting.begin()
    assert "are not counted" in caplog.text
