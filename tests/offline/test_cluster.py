"""A cluster gives what one process gives, whatever happens to its workers."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main
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


def test_a_cluster_gives_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """dask.distributed with two workers on this machine."""
    captures = [str(DATA / "mixed.pcap"), str(DATA / "tls12.pcap")]
    outputs = []
    for engine in (["--workers", "1"], ["--workers", "2", "--engine", "dask"]):
        assert main(["replay", "--json", *engine, *captures]) == 0
        outputs.append([e for e in events(capsys.readouterr().out) if e["event_type"] != "stats"])
    assert outputs[1] == outputs[0]


def test_a_worker_of_the_cluster_that_is_killed_loses_no_capture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One capture is a pipe: who has opened it is at work on it, and is killed there. Another worker reads it again."""
    import distributed

    captures = [str(tmp_path / f"{number}.pcap") for number in range(5)]
    for number, capture in enumerate(captures):
        write_talks(Path(capture), number + 1)
    assert main(["replay", "--json", *captures]) == 0
    wanted = _without_stats(capsys.readouterr().out)
    pipe = tmp_path / "2.pcap"
    content = pipe.read_bytes()
    pipe.unlink()
    os.mkfifo(pipe)
    killed: list[int] = []

    def feed(pids: list[int]) -> None:
        with pipe.open("wb"):  # opens when a worker has opened it
            while not (at_work := [pid for pid in pids if _has_open(pid, pipe)]):
                time.sleep(0.01)
            os.kill(at_work[0], signal.SIGKILL)
            killed.append(at_work[0])
            while Path(f"/proc/{at_work[0]}").exists():  # its end of the pipe is open until then
                time.sleep(0.01)
        pipe.write_bytes(content)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            pids = list(client.run(os.getpid).values())
        feeding = threading.Thread(target=feed, args=(pids,), daemon=True)
        feeding.start()
        assert main(["replay", "--json", "--engine", "dask", "--scheduler", cluster.scheduler_address, *captures]) == 0
    feeding.join(20)
    assert len(killed) == 1
    assert _without_stats(capsys.readouterr().out) == wanted


def _without_stats(text: str) -> list[str]:
    """A plugin's own counters are of all captures that one process has read."""
    return [line for line in text.splitlines() if '"event_type":"stats"' not in line]


def _has_open(pid: int, path: Path) -> bool:
    files = Path(f"/proc/{pid}/fd")
    return any(os.readlink(files / name) == str(path.resolve()) for name in os.listdir(files))
