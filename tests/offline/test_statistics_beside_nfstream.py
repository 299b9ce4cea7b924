"""Statistics of flows beside nfstream's own, for the flows of TCP and UDP that both cut alike.

``NFSTREAM_PYTHON`` names the interpreter that has nfstream (this one, if not set).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli import main
from pywall_core.offline.replay import captures

DATA = Path(__file__).parents[1] / "data"
NFSTREAM_PYTHON = os.environ.get("NFSTREAM_PYTHON", sys.executable)
NFSTREAM = """
import json, sys
from nfstream import NFStreamer
if __name__ == "__main__":
    settings = dict(statistical_analysis=True, accounting_mode=1, splt_analysis=5, n_dissections=0, n_meters=1)
    for capture in sys.argv[1:]:
        for flow in NFStreamer(source=capture, idle_timeout=100000, active_timeout=1000000, **settings):
            print(json.dumps(dict(zip(flow.keys(), flow.values()))))
"""
ENDS = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
PROTOCOLS = {"TCP": 6, "UDP": 17}
#: captures of a folder that are compared: the first ones that are small enough
MOST, LARGEST = 60, 200_000


def of_nfstream(paths: list[str], folder: Path) -> list[dict[str, Any]]:
    program = folder / "program.py"
    program.write_text(NFSTREAM)
    done = subprocess.run([NFSTREAM_PYTHON, program, *paths], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_ours(paths: list[str], folder: Path) -> list[dict[str, Any]]:
    policy, out = folder / "p.yaml", folder / "flows.jsonl"
    policy.write_text("version: 1\nplugins: [rules]\ndefault: ACCEPT\n")
    main(["replay", "--config", str(policy), "--output", str(out), "--statistics", "5", *paths])
    return [json.loads(line) for line in out.read_text().splitlines()]


def ends(row: dict[str, Any]) -> tuple[Any, ...]:
    """Both ends in either order, the protocol and the first packet's time: what a flow is to both."""
    if "dest_ip" in row:
        row = {**row, "dst_ip": row["dest_ip"], "dst_port": row["dest_port"], "protocol": PROTOCOLS.get(row["proto"])}
    one, two = (row["src_ip"], row["src_port"]), (row["dst_ip"], row["dst_port"])
    return (*sorted((one, two), key=str), row["protocol"], row["bidirectional_first_seen_ms"])


def test_the_figures_are_nfstreams(captures_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if subprocess.run([NFSTREAM_PYTHON, "-c", "import nfstream"], capture_output=True).returncode:
        pytest.skip("nfstream is not installed")
    small = [path for path in captures([str(captures_folder)]) if Path(path).stat().st_size < LARGEST]
    paths = [str(DATA / "mixed.pcap"), *small[:: max(1, len(small) // MOST)]]
    theirs = {ends(row): row for row in of_nfstream(paths, tmp_path) if row["protocol"] in PROTOCOLS.values()}
    ours = {ends(row): row for row in of_ours(paths, tmp_path) if row["proto"] in PROTOCOLS}
    # the rest: flows that one side ends earlier, and packets that only one side counts
    both = [
        key
        for key in theirs.keys() & ours.keys()
        if theirs[key]["bidirectional_packets"] == ours[key]["bidirectional_packets"]
    ]
    columns = [name for name in ours[both[0]] if name.startswith(("bidirectional", "src2dst", "dst2src"))]
    wrong = [
        (key, name, ours[key][name], theirs[key][name])
        for key in both
        for name in columns
        if ours[key][name] != pytest.approx(theirs[key][name], rel=0.01, abs=0.01)
    ]
    with capsys.disabled():
        print(
            f"\n{len(both)} flows of {len(ours)} (nfstream: {len(theirs)}), {len(columns)} columns, {len(wrong)} differ"
        )
    assert len(both) > 0.8 * len(theirs)
    assert not wrong[:5]
