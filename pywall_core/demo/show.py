"""The demonstration from end to end: namespaces, servers, the firewall, clients, the table, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final

from ..testing.certificates import make_certificate
from ..testing.netns import Lab, LabError, unavailable
from . import traffic

Event = dict[str, Any]

READY_SECONDS: Final = 20.0
#: one act: the policy, and what it is there for
ACTS: Final = (
    (None, "the embedded default policy: name every flow, block nothing"),
    ("policy:block-unknown-encrypted", "the policy that this firewall exists for: drop what is encrypted and unknown"),
)


class DemoError(Exception):
    """The demonstration can't go on; the text is for the user."""


def acts() -> Iterator[tuple[str, list[dict[str, Any]], list[Event]]]:
    """For each policy its words, what the clients saw of each transfer, and the events of the firewall's flows.

    Raises LabError where namespaces are not to be had, DemoError when the firewall does not start.
    """
    why = unavailable()
    if why is not None:
        raise LabError(why)
    with tempfile.TemporaryDirectory(prefix="pywall-demo-") as name:
        folder = Path(name)
        make_certificate(folder, traffic.NAME)
        for policy, title in ACTS:
            yield title, *_act(policy, folder)


def recorded() -> Path:
    """A capture of the same traffic, made by :mod:`pywall_core.demo.traffic`; part of the package."""
    return Path(str(resources.files("pywall_core.demo").joinpath("demo.pcap")))


def _act(policy: str | None, folder: Path) -> tuple[list[dict[str, Any]], list[Event]]:
    events = folder / "events.json"
    with Lab() as lab:
        servers = [sys.executable, "-m", "pywall_core.demo.traffic", "server", str(folder)]
        server = lab.start("server", *servers, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if server.stdout is None or not server.stdout.readline():
            raise DemoError("the servers did not start")
        command = [sys.executable, "-m", "pywall_core", "run", "--json"]
        command += ["--config", policy] if policy else []
        with events.open("w") as out, (folder / "log").open("w+") as log:
            firewall = lab.start("server", *command, stdout=out, stderr=log)
            _wait_until_queued(lab, firewall, log.name)
            clients = [
                sys.executable,
                "-m",
                "pywall_core.demo.traffic",
                "client",
                str(folder),
                lab.server4,
                lab.server6,
            ]
            seen = [json.loads(line) for line in lab.run("client", *clients, timeout=120).splitlines()]
            firewall.terminate()
            firewall.wait(timeout=15)
    lines = events.read_text().splitlines()
    flows = [event for event in map(json.loads, lines) if event["event_type"] == "flow"]
    return seen, [flow for flow in flows if "src_port" in flow]


def _wait_until_queued(lab: Lab, firewall: subprocess.Popen[Any], log: str) -> None:
    """The kernel's rules are there and a worker listens."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if firewall.poll() is not None:
            raise DemoError(f"the firewall did not start:\n{Path(log).read_text()}")
        if "NFQUEUE" in lab.run("server", "iptables-save", check=False):
            return
        time.sleep(0.05)
    raise DemoError("the firewall was not ready in time")
