"""A minimal Debian that has make, git and python3: the demonstration, the Debian package from install to purge, its
service under a real systemd, and the container."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pywall_core.testing.netns import unavailable

ROOT = Path(__file__).parents[2]
SKIP = unavailable() if os.geteuid() == 0 else "a chroot needs root"


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.skipif(SKIP is not None, reason=str(SKIP))
def test_from_nothing_to_a_firewall_and_back() -> None:
    done = subprocess.run(["make", "test-bare"], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    # twice on real traffic; a recorded capture has no such table
    assert done.stdout.count("a tunnel, unknown cipher") == 2
    assert "0 of 20,000 bytes" in done.stdout
    assert "deb: all passed" in done.stdout


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.skipif(SKIP is not None, reason=str(SKIP))
def test_the_service_under_systemd() -> None:
    done = subprocess.run(["make", "test-systemd"], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "systemd: all passed" in done.stdout


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.skipif(SKIP is not None, reason=str(SKIP))
def test_the_container_is_built_replays_and_filters() -> None:
    done = subprocess.run(["make", "test-container"], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "container: all passed" in done.stdout
