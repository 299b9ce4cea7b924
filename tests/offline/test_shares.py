"""Shares of a split capture: what prevents a split, what undoes it, and what their figures come to."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.cli.common import prepare
from pywall_core.offline import jobs as jobs_module
from pywall_core.offline.jobs import Outcome
from pywall_core.offline.shares import sum_shares, why_not_split, why_split_failed
from pywall_core.testing import tcp_packet, udp_packet, write_pcap


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{rule: port, protocol: tcp, dst: 22, action: DROP}", ""),
        ("{rule: limit, over: 10/m, action: DROP}", "rules of kind limit"),
        ("{rule: port, protocol: tcp, dst: 22, action: DROP, add: {set: seen, key: src}}", "rules with add:"),
        ("{rule: flow, expected: group-answer, action: ACCEPT}", "rules of kind flow with group-answer"),
        ("{any: [{rule: ip, src: '@seen'}, {rule: limit, over: 9/s}], action: DROP}", "rules of kind limit"),
    ],
)
def test_what_knows_more_than_two_hosts_prevents_a_split(tmp_path: Path, rule: str, says: str) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"version: 1\nplugins: [rules, stream]\nsets: {{seen: {{type: addresses}}}}\nchains: {{INPUT: [{rule}]}}\n"
    )
    assert why_not_split(prepare(str(policy))[2]) == says


def test_a_full_table_or_what_rested_on_others_undoes_it() -> None:
    assert why_split_failed([Outcome([], 100, 10), Outcome([], 100, 10)], 1000) == ""
    assert "more than half full" in why_split_failed([Outcome([], 400, 10), Outcome([], 201, 10)], 1000)
    assert "half-open" in why_split_failed([Outcome([], 100, 100), Outcome([], 100, 30)], 1000)
    assert why_split_failed([Outcome([]), Outcome([], depends="a plugin failed")], 1000) == "a plugin failed"


def written(path: Path, capture: Path, policy: Path, workers: str) -> list[str]:
    assert main(["replay", "--config", str(policy), "--workers", workers, "--output", str(path), str(capture)]) == 0
    return path.read_text().splitlines()


def test_a_flood_is_evicted_as_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 0)
    policy, capture = tmp_path / "p.yaml", tmp_path / "flood.pcap"
    policy.write_text("version: 1\nplugins: []\ntable: {flows: 1024}\n")
    packets = [udp_packet(f"192.0.2.{n % 200}", 1000 + n, "198.51.100.2", 53, b"x") for n in range(600)]
    write_pcap(capture, [(1.7e9 + n / 1000, packet) for n, packet in enumerate(packets)])
    one = written(tmp_path / "1.jsonl", capture, policy, "1")
    assert written(tmp_path / "2.jsonl", capture, policy, "2") == one
    assert sum('"reason":"evicted"' in line for line in one) > 400
    assert "read again in one piece: many flows were half-open" in capsys.readouterr().err


def test_wrong_checksums_of_a_sender_are_told_as_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sender has sent right checksums to others: what it sends to this host is validated by what it sent to it."""
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 0)
    policy, capture = tmp_path / "p.yaml", tmp_path / "c.pcap"
    policy.write_text("version: 1\nplugins: [stream]\n")
    right = [tcp_packet("192.0.2.1", 4000, f"198.51.100.{n}", 80, flags=2, seq=9) for n in range(1, 9)]
    wrong = [packet[:36] + b"\x12\x34" + packet[38:] for packet in right]
    drawn = random.Random(1)
    packets = right[:4] + drawn.sample(wrong, 4) + wrong
    write_pcap(capture, [(1.7e9 + n, packet) for n, packet in enumerate(packets)])
    one = written(tmp_path / "1.jsonl", capture, policy, "1")
    assert written(tmp_path / "2.jsonl", capture, policy, "2") == one
    assert capsys.readouterr().err == ""


def test_stats_of_shares_are_added_up_but_the_frames() -> None:
    part = {"frames": 10, "packets": 3, "verdicts": {"accept": 3}, "decisions": [{"rule": "r", "packets": 3}]}
    other = {"frames": 10, "packets": 2, "verdicts": {"drop": 2}, "decisions": [{"rule": "r", "packets": 2}]}
    total = sum_shares([{"event_type": "stats", "stats": part}, {"event_type": "stats", "stats": other}])["stats"]
    assert total == {
        "frames": 10,
        "packets": 5,
        "verdicts": {"accept": 3, "drop": 2},
        "decisions": [{"rule": "r", "packets": 5}],
    }


def test_flows_are_numbered_in_the_order_in_which_they_begin(tmp_path: Path) -> None:
    """So two replays of a capture can be compared line by line."""
    capture = tmp_path / "c.pcap"
    packets = [udp_packet("192.0.2.1", port, "198.51.100.2", 53, b"x") for port in (9, 8, 9, 7)]
    write_pcap(capture, [(1.7e9 + n, packet) for n, packet in enumerate(packets)])
    tables = [written(tmp_path / f"{n}.jsonl", capture, _empty(tmp_path), "1") for n in (1, 2)]
    assert tables[0] == tables[1]
    ids = [json.loads(line)["flow_id"] for line in tables[0]]
    assert [number - ids[0] for number in ids] == [0, 1, 3]


def _empty(folder: Path) -> Path:
    policy = folder / "empty.yaml"
    policy.write_text("version: 1\nplugins: []\n")
    return policy
