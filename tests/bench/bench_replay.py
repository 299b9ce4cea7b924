"""Replay beside nfstream: packets per CPU second over all captures of a folder as one file, in one run.

``PYWALL_CAPTURES`` names the folder, ``NFSTREAM_PYTHON`` the interpreter that has nfstream (this one, if not set). What
an interpreter spends before the first packet is measured by a capture of one packet and taken off on both sides. Both
sides give flow records as Python objects; ours also has the events of protocols, anomalies and drops.
"""

from __future__ import annotations

import os
import statistics
import struct
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from pywall_core.offline.replay import captures
from pywall_core.sources.pcap import CaptureError, read

ROUNDS = 5
NFSTREAM_PYTHON = os.environ.get("NFSTREAM_PYTHON", sys.executable)
NFSTREAM = """
import sys
from nfstream import NFStreamer
if __name__ == "__main__":
    print(sum(flow.bidirectional_packets for flow in NFStreamer(source=sys.argv[1], n_meters=1)))
"""
PYWALL = """
import sys
from pywall_core.config import Config
from pywall_core.engine.engine import build_engine
from pywall_core.offline.replay import Hooks, quiet_collector, replay
engine = build_engine(Config.model_validate({"version": 1, "plugins": ["rules", "stream", "protocols"]}),
                      live=False, sink=lambda event: None)
with quiet_collector():
    print(replay(engine, sys.argv[1], Hooks()).packets)
"""


def joined(folder: str, path: Path, most: int) -> int:
    """Write the captures below ``folder`` one after the other, at most five seconds between packets; how many."""
    number = 0
    now = 1e9
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for name in captures([folder]):
            before = None
            try:
                for _, time, data, _ in read(name):
                    if data is None:
                        continue
                    if number == most:
                        return number
                    now += min(max(time - before, 0.0), 5.0) if before is not None else 5.0
                    before = time
                    frame = bytes(12) + (b"\x86\xdd" if data[0] >> 4 == 6 else b"\x08\0") + data
                    seconds = int(now)
                    out.write(struct.pack("<IIII", seconds, int((now - seconds) * 1e6), len(frame), len(frame)) + frame)
                    number += 1
            except CaptureError:
                continue
    return number


def cpu_seconds(python: str, program: Path, capture: Path) -> tuple[float, int]:
    """CPU time of the process and its children, and the number of packets that it says it has seen."""
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run([python, program, capture], capture_output=True, text=True, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(done.stdout.split()[-1])


def bench_replay_beside_nfstream(tmp_path: Path) -> None:
    folder = os.environ.get("PYWALL_CAPTURES")
    if not folder:
        pytest.skip("PYWALL_CAPTURES does not name captures")
    if subprocess.run([NFSTREAM_PYTHON, "-c", "import nfstream"], capture_output=True).returncode:
        pytest.skip("nfstream is not installed")
    whole, one = tmp_path / "all.pcap", tmp_path / "one.pcap"
    packets = joined(folder, whole, sys.maxsize)
    joined(folder, one, 1)
    sides: dict[str, tuple[str, Path]] = {}
    for name, python, text in (("nfstream", NFSTREAM_PYTHON, NFSTREAM), ("pywall", sys.executable, PYWALL)):
        program = tmp_path / f"{name}_side.py"
        program.write_text(text)
        sides[name] = python, program
    ratios, ratios_whole = [], []
    for _ in range(ROUNDS):
        rate, rate_whole = {}, {}
        for name, (python, program) in sides.items():
            spent, seen = cpu_seconds(python, program, whole)
            start, _ = cpu_seconds(python, program, one)
            assert seen > 0.9 * packets
            rate[name], rate_whole[name] = packets / (spent - start), packets / spent
        ratios.append(rate["pywall"] / rate["nfstream"])
        ratios_whole.append(rate_whole["pywall"] / rate_whole["nfstream"])
        print(f"\n{packets} packets, per CPU second: " + ", ".join(f"{k} {v:.0f}" for k, v in rate.items()), end="")
    for what, found in (("without start-up", ratios), ("with start-up", ratios_whole)):
        print(f"\nPyWall / nfstream {what}: {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})")
