"""Several processes and a cluster give what one process gives; a large capture is split by host pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main
from pywall_core.offline import jobs as jobs_module
from pywall_core.offline.jobs import Job, deal, sum_shares
from pywall_core.packet.decode import decode
from pywall_core.sources.pcap import read
from pywall_core.testing import conversation, write_pcap

DATA = Path(__file__).parents[1] / "data"


def events(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        event.pop("flow_id", None)
    return found


def write_talks(path: Path, hosts: int) -> None:
    frames = [
        frame
        for number in range(hosts)
        for frame in conversation(client=(f"192.0.2.{number + 1}", 4000), server=("198.51.100.2", 22))
        .server(b"SSH-2.0-a\r\n")
        .client(b"SSH-2.0-b\r\n")
        .frames()
    ]
    write_pcap(path, sorted(frames))


def test_large_captures_first_and_none_split_below_the_bound(tmp_path: Path) -> None:
    sizes = {"small": 10, "large": 1000, "middle": 500}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    captures = [str(tmp_path / name) for name in sizes]
    jobs = deal(captures, 2, split=True, rows=False, first_packets=None)
    assert [(job.capture.rsplit("/", 1)[1], job.parts) for job in jobs] == [("large", 1), ("middle", 1), ("small", 1)]


def test_a_capture_beyond_a_workers_share_is_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 100)
    (tmp_path / "large").write_bytes(bytes(1000))
    capture = str(tmp_path / "large")
    assert deal([capture], 2, split=True, rows=False, first_packets=None) == [
        Job(capture, 0, part, 2) for part in (0, 1)
    ]
    assert deal([capture], 2, split=False, rows=False, first_packets=None) == [Job(capture, 0)]


@pytest.mark.parametrize("split", [True, False])
def test_workers_print_what_one_process_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], split: bool
) -> None:
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 0 if split else 1 << 40)
    write_talks(tmp_path / "talks.pcap", 12)
    captures = [str(tmp_path / "talks.pcap")] + ([] if split else [str(DATA / "mixed.pcap"), str(DATA / "tls12.pcap")])
    outputs = []
    for workers in ("1", "2"):
        assert main(["replay", "--json", "--workers", workers, *captures]) == 0
        outputs.append(events(capsys.readouterr().out))
    one, two = ([e for e in output if e["event_type"] != "stats"] for output in outputs)
    if split:
        order = str
        one, two = sorted(one, key=order), sorted(two, key=order)
    assert two == one
    stats = [[e["stats"] for e in output if e["event_type"] == "stats"] for output in outputs]
    for name in ("frames", "packets", "bytes", "verdicts", "decisions"):
        assert [s[name] for s in stats[0]] == [s[name] for s in stats[1]]


def test_rows_of_workers_are_those_of_one_process(tmp_path: Path) -> None:
    captures = [str(DATA / "mixed.pcap"), str(DATA / "tls12.pcap")]
    tables = []
    for workers in ("1", "2"):
        out = tmp_path / f"{workers}.jsonl"
        assert main(["replay", "--workers", workers, "--output", str(out), "--statistics", "3", *captures]) == 0
        tables.append([{**json.loads(line), "flow_id": 0} for line in out.read_text().splitlines()])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 6


def test_a_cluster_gives_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """dask.distributed with two workers on this machine."""
    captures = [str(DATA / "mixed.pcap"), str(DATA / "tls12.pcap")]
    outputs = []
    for engine in (["--workers", "1"], ["--workers", "2", "--engine", "dask"]):
        assert main(["replay", "--json", *engine, *captures]) == 0
        outputs.append([e for e in events(capsys.readouterr().out) if e["event_type"] != "stats"])
    assert outputs[1] == outputs[0]


def test_what_does_not_go_together_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--workers", "2", "--filter", "tcp", "-"]) == 2
    assert "--filter, standard input and several workers do not go together" in capsys.readouterr().err


def test_stats_of_shares_are_added_up_but_the_frames() -> None:
    part = {"frames": 10, "packets": 3, "verdicts": {"accept": 3}, "decisions": [{"rule": "r", "packets": 3}]}
    other = {"frames": 10, "packets": 2, "verdicts": {"drop": 2}, "decisions": [{"rule": "r", "packets": 2}]}
    total = sum_shares([{"event_type": "stats", "stats": part}, {"event_type": "stats", "stats": other}])["stats"]
    assert total == {
        "frames": 10,
        "packets": 5,
        "verdicts": {"accept": 3, "drop": 2},
        "decisions": [{"rule": "r", "packets": 5}],
        "not_ip": {},
    }


def test_the_host_pair_of_a_packet_is_the_one_that_decoding_finds() -> None:
    packets = [data for path in sorted(DATA.glob("*.pcap*")) for _, _, data, _ in read(path) if data is not None]
    assert len(packets) > 50
    for data in packets:
        assert jobs_module._host_pair(data) == decode(data).key[1:-4]
