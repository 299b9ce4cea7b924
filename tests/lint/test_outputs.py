"""Events that nobody would read."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import findings, policy

LOG = "{rule: log, message: seen}"


def codes(source: str) -> list[tuple[int, str]]:
    return [(line, code) for line, code, _ in findings(source)]


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ("{file: FOLDER/none/eve.json}", "W030"),
        ("{file: FOLDER}", "W030"),
        ("{file: FOLDER/p.yaml/eve.json}", "W030"),
        ("{file: FOLDER/LONG/eve.json}", "W030"),
        ("{pcap: FOLDER/none/a.pcapng}", "W030"),
        ("{pcap: {file: FOLDER/none/a.pcapng}}", "W030"),
        ("{types: [drops, alert]}", "W029"),
        ("{types: [flow]}", "W031"),
    ],
)
def test_what_nobody_would_read(tmp_path: Path, events: str, code: str) -> None:
    written = events.replace("FOLDER", str(tmp_path)).replace("LONG", "x" * 300)
    found = codes(policy(tmp_path, LOG, f"events: {written}\n"))
    assert (6 if code == "W031" else 3, code) in found


@pytest.mark.parametrize(
    "events", ["{file: FOLDER/eve.json}", "{types: [flow, alert, drop, stats, anomaly, set]}", "{}"]
)
def test_what_is_read_is_good(tmp_path: Path, events: str) -> None:
    assert codes(policy(tmp_path, LOG, f"events: {events.replace('FOLDER', str(tmp_path))}\n")) == []
