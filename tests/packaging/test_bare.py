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


def make(target: str) -> str:
    """Run a target to its end; what it printed."""
    done = subprocess.run(["make", target], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.skipif(SKIP is not None, reason=str(SKIP))
def test_from_nothing_to_a_firewall_and_back() -> None:
    out = make("test-bare")
    # twice on real traffic; a recorded capture has no such table
    assert out.count("a tunnel, unknown cipher") == 2
    assert "0 of 20,000 bytes" in out
    assert "deb: all passed" in out


@pytest.mark.slow
@pytest.mark.netns
@pytest.mark.skipif(SKIP is not None, reason=str(SKIP))
@pytest.mark.parametrize(
    ("target", "ends"), [("test-systemd", "systemd: all passed"), ("test-container", "container: all passed")]
)
def test_the_service_and_the_container(target: str, ends: str) -> None:
    assert ends in make(target)
