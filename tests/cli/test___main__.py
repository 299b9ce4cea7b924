"""The command as a process: what ^C does from its first line to its last."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        ("pywall_core.cli", 130),
        ("argparse", 130),
        ("importlib.metadata", 130),
        ("pywall_core.cli.check", 130),
        ("pydantic", 130),
        ("pywall_core.config", 130),
        ("the end", -2),
    ],
)
def test_an_interrupt_is_quiet_at_any_moment(moment: str, code: int) -> None:
    program = (
        f"import sys; MOMENT = {moment!r}"
        + """
import atexit, os
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == MOMENT:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), 2)
sys.meta_path.insert(0, Interrupt())
if MOMENT == "the end":
    atexit.register(os.kill, os.getpid(), 2)
from pywall_core.__main__ import main
sys.exit(main())
"""
    )
    # a shell that starts its commands in the background has them ignore interrupts, and so would this one
    program = f"import signal; signal.signal(2, signal.default_int_handler)\n{program}"
    done = subprocess.run([sys.executable, "-c", program, "check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    """A shell that starts its commands in the background has them ignore it."""
    program = """
import os, signal
signal.signal(2, signal.SIG_IGN)
import atexit
atexit.register(os.kill, os.getpid(), 2)
from pywall_core.__main__ import main
import sys
sys.argv = ["pywall", "--version"]
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
