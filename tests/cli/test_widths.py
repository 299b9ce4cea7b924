"""On a terminal nothing that a reader must type or read is cut: IDs, addresses, rules."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
V6 = {"src_ip": "2001:db8:1234:5678:9abc:def0:1234:5678", "dest_ip": "2001:db8:ffff:eeee:dddd:cccc:bbbb:aaaa"}
V4 = {"src_ip": "192.168.100.200", "dest_ip": "198.51.100.222"}


def flow(number: int, ends: dict[str, str]) -> dict[str, object]:
    return {
        "flow_id": number, **ends, "src_port": 45396, "dest_port": 65022, "proto": "TCP", "app_proto": "bittorrent",
        "state": "established", "pkts_toserver": 123456, "pkts_toclient": 234567, "bytes_toserver": 123456789,
        "bytes_toclient": 987654321, "age": 12345.6, "idle": 1.0, "verdict": "accept", "final": False, "pending": True,
        "rule": "INPUT[3]", "rule_name": "a rule with quite a long name that goes on",
        "rule_at": "/etc/pywall/pywall.yaml:123", "payload": {"payload.class": "encrypted", "payload.confidence": 0.98},
    }  # fmt: skip


def on_terminal(columns: int, words: list[str]) -> list[str]:
    """The lines that a command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(
        words, stdout=theirs, stderr=subprocess.DEVNULL, env=environment | {"TERM": "xterm"}
    ) as child:
        os.close(theirs)
        text = b""
        while True:
            try:
                got = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not got:
                break
            text += got
        child.wait(30)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", text.decode().replace("\r", "")).splitlines()


@pytest.mark.parametrize("columns", [80, 100, 120, 250])
@pytest.mark.parametrize("ends", [V4, V6])
def test_flows_fit(columns: int, ends: dict[str, str]) -> None:
    flows = [flow(9007199254740991, ends), flow(1, ends)]
    code = "import json, sys; from pywall_core.cli import flows; flows._tell_flows({'flows': json.loads(sys.argv[1])})"
    lines = on_terminal(columns, [sys.executable, "-c", code, json.dumps(flows)])
    text = "\n".join(lines)
    assert max(map(len, lines)) <= columns
    assert "\u2026" not in text
    for word in ("9007199254740991", *ends.values(), "established", "pywall.yaml:123", "accept, pending"):
        assert " ".join(text.split()).count(word) >= 1, word


@pytest.mark.parametrize("columns", [80, 120])
def test_against_fits(tmp_path: Path, columns: int) -> None:
    for name, action in (("a.yaml", "ACCEPT"), ("b.yaml", "DROP")):
        (tmp_path / name).write_text(
            f"version: 1\nplugins: [rules, stream, protocols]\nchains:\n  INPUT:\n"
            f"    - {{rule: app, is: ssh, action: {action}, name: everything that is SSH on any port}}\n"
        )
    words = [sys.executable, "-m", "pywall_core", "replay", "--config", str(tmp_path / "a.yaml")]
    lines = on_terminal(columns, [*words, "--against", str(tmp_path / "b.yaml"), str(DATA / "mixed.pcap")])
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= columns or columns < len(str(DATA))
    assert "192.0.2.1:40001" in text
    assert "198.51.100.2:2222" in text
    assert "accept -> drop" in text
    assert "everything that is SSH on any port (a.yaml:5)" in text


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_cuts_no_address(columns: int) -> None:
    words = [sys.executable, "-m", "pywall_core", "replay", str(DATA / "mixed.pcap")]
    text = "\n".join(on_terminal(columns, words))
    assert "192.0.2.1:40001 -> 198.51.100.2:2222" in text
