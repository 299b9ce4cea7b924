"""Captures in processes of their own: the same events in the same order, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import main

from .conftest import read_events

DATA = Path(__file__).parents[1] / "data"


def test_two_workers_tell_what_one_tells(ssh_policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = tmp_path / "none.pcap"
    none.write_bytes(b"no capture")
    paths = [str(path) for path in (DATA / "mixed.pcap", none, DATA / "tls12.pcap", DATA / "icmp.pcap")]
    told = []
    for workers in ("1", "2"):
        assert main(["replay", "--json", "--workers", workers, "--config", ssh_policy, *paths]) == 1
        out, err = capsys.readouterr()
        assert err.count(str(none)) == 1
        told.append([event for event in read_events(out) if event["event_type"] != "stats"])
    assert told[0] == told[1]
    assert {event["pcap_filename"] for event in told[0]} == {paths[0], paths[2], paths[3]}


def test_what_looks_beyond_two_hosts_is_not_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nplugins: [rules]\nchains: {INPUT: [{rule: limit, over: 10/m, action: DROP}]}\n")
    assert main(["replay", "--workers", "2", "--config", str(policy), str(DATA / "mixed.pcap")]) == 0
    assert "so no capture is split" in capsys.readouterr().err
