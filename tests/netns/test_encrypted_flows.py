"""What the firewall exists for, on real traffic: ciphertext of no known protocol is dropped, files sent raw pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("encrypted_transfers.py")
ROUNDS = 20
FILES = {"zip", "gzip", "bzip2", "xz", "png"}


@pytest.mark.netns
def test_noise_is_dropped_and_files_pass(netns_lab: Callable[..., Any], tmp_path: Path) -> None:
    lab = netns_lab()
    server = lab.start("server", sys.executable, str(SCRIPT), "server", stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    with (tmp_path / "log").open("w+") as log:
        command = [sys.executable, "-m", "pywall_core", "run", "--config", "policy:block-unknown-encrypted"]
        firewall = lab.start("server", *command, stderr=log)
        for _ in range(600):
            if "running" in (tmp_path / "log").read_text():
                break
            assert firewall.poll() is None, (tmp_path / "log").read_text()
            subprocess.run(["sleep", "0.05"], check=True)
        said = lab.run("client", sys.executable, str(SCRIPT), "client", lab.server4, str(ROUNDS), timeout=280)
    arrived = {line["kind"]: line["arrived"] for line in map(json.loads, said.splitlines())}
    files = {kind: n for kind, n in arrived.items() if kind in FILES}
    noise = {kind: n for kind, n in arrived.items() if kind not in FILES}
    assert files == dict.fromkeys(FILES, ROUNDS)
    assert all(n <= 1 for n in noise.values()), noise
