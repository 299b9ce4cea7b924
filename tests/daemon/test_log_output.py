"""Log lines never wait for who reads them."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from pywall_core.daemon.log_output import log_to_stderr
log_to_stderr(logging.INFO)
for number in range(3000):
    logging.getLogger("pywall").warning("%d %s", number, "x" * 90)
print(logging.getLogger().handlers[0].lost, flush=True)
"""


def test_a_full_pipe_loses_lines_and_holds_nothing_up() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lost = int(process.stdout.readline())
        lines = process.stderr.read().splitlines()
    assert lost > 0
    assert len(lines) + lost == 3000
    assert lines[0] == b"pywall: 0 " + b"x" * 90
