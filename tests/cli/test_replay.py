"""``pywall replay``: independent captures, one EVE event a line, one line for what cannot be read."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from pywall_core.cli import main

from .conftest import read_events

DATA = Path(__file__).parents[1] / "data"


def test_json_is_one_event_a_line_and_nothing_else(ssh_policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DATA / "mixed.pcap")
    assert main(["replay", "--json", "--config", ssh_policy, path]) == 0
    out, err = capsys.readouterr()
    found = read_events(out)
    assert err == ""
    assert {event["pcap_filename"] for event in found} == {path}
    flows = [event for event in found if event["event_type"] == "flow"]
    assert {(f["app_proto"], f["verdict"]["action"]) for f in flows} == {
        ("tls", "accept"), ("ssh", "drop"), ("http", "accept"), ("dns", "accept"),
    }  # fmt: skip
    (drop,) = [event for event in found if event["event_type"] == "drop"]
    assert drop["pcap_cnt"] > 12
    assert found[-1]["event_type"] == "stats"


def test_captures_are_independent_and_damage_is_one_line_each(
    ssh_policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same capture twice gives the same flows twice; between them one that is cut off, and one that is none."""
    good = DATA / "ssh-rough.pcap"
    cut, none = tmp_path / "cut.pcap", tmp_path / "none.pcap"
    cut.write_bytes((DATA / "mixed.pcap").read_bytes()[:-7])
    none.write_bytes(b"no capture")
    copy = tmp_path / "copy.pcap"
    shutil.copy(good, copy)
    paths = [str(path) for path in (good, cut, none, copy, tmp_path / "absent.pcap")]
    assert main(["replay", "--json", "--config", ssh_policy, *paths]) == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [paths[1], paths[2], paths[4]]
    flows = [event for event in read_events(out) if event["event_type"] == "flow"]
    per_file = Counter(event["pcap_filename"] for event in flows)
    assert per_file == {paths[0]: 1, paths[1]: 5, paths[3]: 1}
    one, two = (next(f for f in flows if f["pcap_filename"] == path) for path in (paths[0], paths[3]))
    assert (one["flow"], one["verdict"]) == (two["flow"], two["verdict"])


def test_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay"]) == 2
    assert main(["replay", "--local", "300.1.1.1/8", "x.pcap"]) == 2
    assert "300.1.1.1" in capsys.readouterr().err
    assert main(["replay", "--hook", "PREROUTING", "x.pcap"]) == 2
