"""What the firewall exists for, on real traffic: ciphertext of no known protocol is dropped, files sent raw pass."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
TRANSFERS, SERVICES = str(FOLDER / "encrypted_transfers.py"), str(FOLDER / "known_services.py")

pytestmark = pytest.mark.netns


@pytest.fixture
def lab(netns_lab: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    """A lab whose server runs the policy of the manual."""
    made = netns_lab()
    log = tmp_path / "log"
    with log.open("w") as stderr:
        command = [sys.executable, "-m", "pywall_core", "run", "--config", "policy:block-unknown-encrypted"]
        firewall = made.start("server", *command, stderr=stderr)
        for _ in range(600):
            if "running" in log.read_text():
                break
            assert firewall.poll() is None, log.read_text()
            subprocess.run(["sleep", "0.05"], check=True)
        yield made


def run(lab: Any, script: str, rounds: int, *options: str, timeout: float) -> dict[str, int]:
    """How many transfers of each sort arrived."""
    server = lab.start("server", sys.executable, script, "server", *options, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    said = lab.run("client", sys.executable, script, "client", lab.server4, str(rounds), *options, timeout=timeout)
    print(said)
    return {line["sort"]: line["arrived"] for line in map(json.loads, said.splitlines())}


def judge(arrived: dict[str, int], rounds: int, through: int, lost: int) -> None:
    """At most so many transfers of each sort of ciphertext got `through`, and of each other sort were `lost`."""
    from . import encrypted_transfers

    # encodings are undone: noise in base64 is noise
    noise = {*encrypted_transfers.NOISE, *encrypted_transfers.DATAGRAMS, "base64 of noise"}
    assert {sort: n for sort, n in arrived.items() if sort in noise and n > through} == {}
    assert {sort: n for sort, n in arrived.items() if sort not in noise and n < rounds - lost} == {}


def test_noise_is_dropped_and_files_pass(lab: Any) -> None:
    judge(run(lab, TRANSFERS, 4, timeout=100), 4, through=1, lost=0)


def test_known_protocols_pass(lab: Any, tmp_path: Path) -> None:
    assert set(run(lab, SERVICES, 3, str(tmp_path), timeout=100).values()) == {3}


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="needs av, pillow and zstandard")
def test_files_of_all_shapes_pass_99_times_in_100(lab: Any) -> None:
    judge(run(lab, TRANSFERS, 100, "--files", timeout=3000), 100, through=5, lost=1)


@pytest.mark.slow
def test_known_protocols_pass_99_times_in_100(lab: Any, tmp_path: Path) -> None:
    assert min(run(lab, SERVICES, 100, str(tmp_path), timeout=1500).values()) >= 99
