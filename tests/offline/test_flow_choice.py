"""--filter, --flow and --limit: the same events as without, of fewer flows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pywall_core.cli import main

DATA = Path(__file__).parents[1] / "data"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, str]]:
    assert main(["replay", "--json", *arguments, str(DATA / "mixed.pcap")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(e["event_type"], e["app_proto"]) for e in events if e["event_type"] != "stats"]


def test_all_events_of_a_chosen_flow_and_of_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--filter", "app ssh") == [("ssh", "ssh"), ("flow", "ssh")]


def test_the_nth_flow(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--flow", "3") == [("http", "http"), ("flow", "http")]


def test_only_the_first_frames_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--limit", "5", str(DATA / "mixed.pcap")]) == 0
    assert "5 packets, 1 flows" in capsys.readouterr().out


def test_a_filter_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--filter", "port x", str(DATA / "mixed.pcap")]) == 2
    assert capsys.readouterr().err.startswith("--filter: ")
