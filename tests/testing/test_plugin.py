"""The pytest plugin costs nothing where it is not used, and its lab is real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

HEAVY = {"pywall_core.api", "pywall_core.engine.engine", "pydantic", "yaml", "dpkt", "hypothesis", "stevedore"}


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pywall_core.testing.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) & HEAVY == set()


def test_every_exported_name_is_there() -> None:
    import pywall_core.testing

    for name in pywall_core.testing.__all__:
        assert callable(getattr(pywall_core.testing, name))
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = pywall_core.testing.no_such_thing


def test_the_kit_is_found_by_pytest(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin("pywall") is sys.modules["pywall_core.testing.plugin"]


@pytest.mark.netns
def test_lab_connects_client_and_server(netns_lab: Callable[..., Any]) -> None:
    lab = netns_lab()
    for address in (lab.server4, lab.server6):
        lab.run("client", sys.executable, "-c", UDP_ASK.format(address=address), timeout=20)
    assert (
        lab.run("client", "ip", "-o", "link").count("veth") + lab.run("client", "ip", "-o", "link").count("eth0") >= 1
    )


@pytest.mark.netns
def test_labs_are_gone_after_their_test() -> None:
    """The lab of the test before has been taken down by its fixture."""
    import os

    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    assert f"pw{os.getpid()}-" not in names


#: a datagram to a closed port is answered by the peer's kernel: refused
UDP_ASK = """
import socket
with socket.socket(socket.AF_INET6 if ":" in "{address}" else socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.connect(("{address}", 9))
    s.send(b"?")
    try:
        s.recv(10)
    except ConnectionRefusedError:
        pass
"""
