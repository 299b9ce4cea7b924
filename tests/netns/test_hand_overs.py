"""openssl's STARTTLS, in thirteen protocols: TLS is dropped inside each, and its outer name is known.

Without the firewall each session comes about. Servers that Debian has stand in ``test_real_servers.py``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.certificates import make_certificate
from tests.covert.labs import Stage, wait_for

pytestmark = pytest.mark.netns
SERVERS = Path(__file__).with_name("starttls_servers.py")
KINDS = (
    "smtp", "lmtp", "pop3", "imap", "ftp", "nntp", "sieve", "irc", "xmpp", "xmpp-server", "ldap", "postgres", "mysql",
)  # fmt: skip
PORTS = {kind: 9100 + number for number, kind in enumerate(KINDS)}
OUTER = {"lmtp": "smtp", "sieve": "managesieve", "xmpp-server": "xmpp", "postgres": "pgsql"}
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: app, is: tls, action: DROP}]
  OUTPUT: [{rule: app, is: tls, action: DROP}]
default: ACCEPT
"""


@pytest.fixture
def stage(netns_lab: Any) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="pywall-") as name:
        stage = Stage(netns_lab(), Path(name))
        pem = make_certificate(stage.folder, "a.example").both
        ports = [f"{kind}={port}" for kind, port in PORTS.items()]
        stage.start("server", sys.executable, SERVERS, stage.server, pem, *ports, ready="ready")
        yield stage


def sessions(stage: Stage, seconds: int) -> list[str]:
    """Return the kinds in which TLS has come about. All are tried at once."""
    tried = {}
    for kind, port in PORTS.items():
        command = ["timeout", str(seconds), "openssl", "s_client", "-brief", "-name", "a.example", "-starttls", kind]
        tried[kind] = stage.lab.start(
            "client", *command, "-connect", f"{stage.server}:{port}",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    said = {kind: process.communicate(timeout=60)[0] for kind, process in tried.items()}
    return [kind for kind, text in said.items() if "Protocol version: TLS" in text]


def test_tls_inside_of_thirteen_protocols_is_dropped(stage: Stage) -> None:
    assert sessions(stage, 20) == list(KINDS), "without a firewall"
    stage.start_firewall(POLICY)
    assert sessions(stage, 8) == []
    wait_for(lambda: len(stage.events("drop")) >= len(KINDS), "a drop event each", 10)
    stage.stop_firewall()
    names = {seen.event["dest_port"]: seen.event for seen in map(_Event, stage.events("flow")) if seen.is_one}
    for kind, port in PORTS.items():
        event = names[port]
        assert (event["app_proto"], event.get("app_proto_outer")) == ("tls", OUTER.get(kind, kind)), kind


class _Event:
    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.is_one = event.get("dest_port") in PORTS.values() and event.get("app_proto") == "tls"
