"""The table of a replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.cli.replay_output import Table

DATA = Path(__file__).parents[1] / "data"


def test_table(ssh_policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--config", ssh_policy, str(DATA / "mixed.pcap")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["flow", "proto", "app", "packets", "bytes", "verdict", "why"]
    assert any("-> 198.51.100.2:2222" in line and " ssh " in line and " drop " in line for line in lines)
    assert any("[2001:db8::1]:40003 -> [2001:db8::2]:8080" in line for line in lines)
    assert "5 flows; verdicts: " in lines[-1]


def test_a_long_table_is_printed_as_it_grows(
    ssh_policy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = str(DATA / "mixed.pcap")
    assert main(["replay", "--config", ssh_policy, capture]) == 0
    whole = capsys.readouterr().out.splitlines()
    monkeypatch.setattr(Table, "WIDTH_FLOWS", 2)
    assert main(["replay", "--config", ssh_policy, capture]) == 0
    grown = capsys.readouterr().out.splitlines()
    assert [line.split() for line in grown] == [line.split() for line in whole]
