"""What plugins that bring commands may use is there, and is what it is in the core."""

from __future__ import annotations

import subprocess
import sys

from pywall_core import client
from pywall_core.daemon.control import NotRunningError, ask_firewall


def test_every_name_is_there_and_is_the_cores() -> None:
    assert sorted(client.__all__) == client.__all__
    assert all(hasattr(client, name) for name in client.__all__)
    assert (client.ask_firewall, client.NotRunningError) == (ask_firewall, NotRunningError)


def test_it_brings_no_engine() -> None:
    code = (
        "import sys, pywall_core.client; print([name for name in sys.modules if name.startswith('pywall_core.engine')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
