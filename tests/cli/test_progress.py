"""The bar takes nothing from standard output, and leaves no trace on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pyte
import pytest

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"


def ran(*arguments: str, both: bool) -> tuple[str, str]:
    """Return standard output and what the terminal got, with standard error, or both, on a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pywall_core", *arguments, str(DATA)]
    process = subprocess.Popen(command, stdout=theirs if both else subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    seen = b""
    out = process.stdout.read() if process.stdout else ""
    try:
        while data := os.read(ours, 65536):
            seen += data
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return out, seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("arguments", [("replay",), ("replay", "--json"), ("explain",)])
def test_standard_output_in_a_file_has_all(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pywall_core", *arguments, str(DATA)]
    plain = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    out, _ = ran(*arguments, both=False)
    assert (out if "--json" not in arguments else out.count("\n")) == (
        plain if "--json" not in arguments else plain.count("\n")
    )


def test_lines_on_a_terminal_are_whole() -> None:
    _, seen = ran("replay", both=True)
    screen = pyte.Screen(80, 500)
    pyte.Stream(screen).feed(seen.replace("\n", "\r\n"))
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert lines
    assert lines[0].split()[:2] == ["flow", "proto"]
    assert "packets" in lines[-1]
    assert not [line for line in lines if "captures," in line]
