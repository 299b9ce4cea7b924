"""Captures dealt to workers: by size, and a large one split by host pair."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.offline import jobs as jobs_module
from pywall_core.offline.jobs import Job, deal
from pywall_core.packet.decode import decode
from pywall_core.sources.pcap import read

DATA = Path(__file__).parents[1] / "data"


def test_large_captures_first_and_none_split_below_the_bound(tmp_path: Path) -> None:
    sizes = {"small": 10, "large": 1000, "middle": 500}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    captures = [str(tmp_path / name) for name in sizes]
    jobs = deal([[capture] for capture in captures], 2, split=True)
    assert [(Path(job.captures[0]).name, job.parts) for job in jobs] == [("large", 1), ("middle", 1), ("small", 1)]


def test_a_capture_beyond_a_workers_share_is_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "SPLIT_BYTES", 100)
    (tmp_path / "large").write_bytes(bytes(1000))
    capture = str(tmp_path / "large")
    assert deal([[capture]], 2, split=True) == [Job((capture,), 0, part, 2) for part in (0, 1)]
    assert deal([[capture]], 2, split=False) == [Job((capture,), 0)]


def test_the_host_pair_of_a_packet_is_the_one_that_decoding_finds() -> None:
    packets = [data for path in sorted(DATA.glob("*.pcap*")) for _, _, data, _ in read(path) if data is not None]
    assert len(packets) > 50
    for data in packets:
        assert jobs_module._host_pair(data) == decode(data).key[1:-4]
