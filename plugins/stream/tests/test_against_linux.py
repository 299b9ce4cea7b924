"""The bytes handed to detectors are those that a real Linux socket reads, whatever is sent."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCHEDULES = 400


def run_schedules(seed: int, schedules: int) -> list[dict]:
    script = Path(__file__).with_name("linux_receiver.py")
    command = ["unshare", "-n", sys.executable, str(script), str(seed), str(schedules)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _able() -> bool:
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists() or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0


@pytest.mark.netns
@pytest.mark.skipif(not _able(), reason="needs root, network namespaces and /dev/net/tun")
@pytest.mark.parametrize("seed", [0, random.SystemRandom().randrange(10**9)], ids=["fixed", "fresh"])
def test_detectors_and_linux_read_the_same(seed):
    results = run_schedules(seed, SCHEDULES)
    assert len(results) == SCHEDULES
    for result in results:
        assert result["errors"] == []
        assert result["handed"].startswith(result["read"]), result
        if result["honest"]:
            assert result["drops"] == {}, result
            assert result["read"] == result["handed"] == result["wanted"], result
    tricked = [result for result in results if not result["honest"]]
    assert sum(result["read"] == result["wanted"] for result in tricked) > len(tricked) / 10
    assert {"stream.overlap_conflict", "stream.bad_checksum", "stream.paws", "stream.window"} <= {
        reason for result in tricked for reason in result["drops"]
    }
