"""The lab of namespaces is real, and is gone after its test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.testing.netns import enter


def test_a_command_enters_a_namespace_without_a_mount_of_its_own() -> None:
    assert enter("there", "ip", "link") == ["nsenter", "--net=/run/netns/there", "--", "ip", "link"]


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
