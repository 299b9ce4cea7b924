"""A client, a server that runs the ready-made policy, and what the firewall says of the flows between them."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing.netns import Lab

from .score import IN_TIME, POLICY

HERE = Path(__file__).parent
ORIGIN = 8000
"""Port of the origin, which listens on the server's loopback, where the firewall does not look."""


def wait_for(condition: Callable[[], object], what: str, timeout: float = 20.0) -> None:
    """Fail unless ``condition`` holds within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        time.sleep(0.05)


def need(*programs: str) -> None:
    """Skip unless the programs are installed (``scripts/setup.sh covert``)."""
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)} (scripts/setup.sh covert)")


@dataclass(slots=True)
class Seen:
    """A flow as its event tells it."""

    event: dict[str, Any]

    @property
    def dropped(self) -> bool:
        """The flow got a final DROP."""
        return self.event.get("verdict", {}).get("action") == "drop" and self.event["pywall"].get("final", False)

    @property
    def through(self) -> int:
        """Bytes of payload that the classifier had seen when the flow was decided."""
        facts = self.event.get("pywall", {}).get("payload", {})
        return int(facts.get("bytes_seen", 0))

    @property
    def blocked(self) -> bool:
        """The DROP came within 8 KiB."""
        return self.dropped and self.through <= IN_TIME

    @property
    def carried(self) -> bool:
        """Some packet had payload: more than a handshake and its end."""
        flow = self.event["flow"]
        return bool(flow["bytes_toserver"] > 60 * flow["pkts_toserver"] or self.event.get("app_proto") != "none")

    def text(self) -> str:
        """Return what a table shows."""
        facts = self.event.get("pywall", {}).get("payload", {})
        label = facts.get("class", "-")
        return f"{self.event.get('app_proto')}/{label} {'dropped' if self.dropped else 'passed'} at {self.through}"


class Stage:
    """Runs processes on both hosts; the firewall is on the server."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.server = lab.server4
        self._log = folder / "pywall.log"
        self._events = folder / "eve.json"
        self._firewall: subprocess.Popen[Any] | None = None
        self.leftovers: list[Path] = []

    def start_firewall(self, text: str = POLICY) -> None:
        """Run a policy on the server, the ready-made one if none is given, and wait until it holds."""
        policy = self.folder / "pywall.yaml"
        policy.write_text(text + f"events: {{file: {self._events}}}\n")
        with self._log.open("w") as log:
            command = [sys.executable, "-m", "pywall_core", "run", "--config", str(policy)]
            self._firewall = firewall = self.lab.start("server", *command, stdout=log, stderr=log)

        def running() -> bool:
            assert firewall.poll() is None, self._log.read_text()
            return "running" in self._log.read_text()

        wait_for(running, "pywall run", 60)

    def stop_firewall(self) -> None:
        """End the firewall, so that all flows get their events."""
        assert self._firewall is not None
        self._firewall.terminate()
        self._firewall.wait(timeout=20)

    def events(self, event_type: str) -> list[dict[str, Any]]:
        """Return the events of a type so far."""
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        return [event for event in map(json.loads, lines) if event["event_type"] == event_type]

    def flows(self, port: int | None, proto: str = "TCP") -> list[Seen]:
        """Return the flows with payload to a port, from the events; call after ``stop_firewall``."""
        events = [json.loads(line) for line in self._events.read_text().splitlines()]
        mine = [
            event
            for event in events
            if event["event_type"] == "flow"
            and event["proto"] == proto
            and (port is None or port in (event.get("dest_port"), event.get("src_port")))
        ]
        return [seen for seen in map(Seen, mine) if seen.carried]

    def python(self, host: str, script: str, *words: object) -> subprocess.Popen[str]:
        """Start one of this folder's scripts and wait for its ``ready``."""
        command = [sys.executable, str(HERE / script), *map(str, words)]
        process = self.lab.start(host, *command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def start(self, host: str, *command: object, ready: str | None = None, **options: Any) -> Path:
        """Start a program with its output in a file, which is returned; wait until it has said ``ready``."""
        words = [str(word) for word in command]
        out = self.folder / f"{host}-{Path(words[0]).name}-{time.monotonic_ns()}.log"
        with out.open("w") as log:
            process = self.lab.start(
                host, *words, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options
            )

        def said() -> bool:
            assert process.poll() is None or ready is None, f"{words[0]} ended: {out.read_text()}"
            return ready is None or ready in out.read_text()

        wait_for(said, f"{words[0]}: {ready!r} in its output")
        return out

    def remove_later(self, path: Path) -> None:
        """Remove a folder that lies elsewhere when the test has ended."""
        self.leftovers.append(path)

    def wait_listening(self, host: str, port: int, kind: str = "t") -> None:
        """Wait until something listens on a port (kind: t for TCP, u for UDP)."""
        wait_for(lambda: f":{port} " in self.lab.run(host, "ss", f"-ln{kind}"), f"port {port} on {host}")

    def transfer(self, *words: object, timeout: float = 100) -> list[dict[str, Any]]:
        """Run the client of :mod:`origin` with these options and return what it said of each session.

        Sessions that have not come to an end after ``timeout`` seconds are left out.
        """
        command = [sys.executable, str(HERE / "origin.py"), "client", *map(str, words)]
        out = self.folder / "origin.json"
        with out.open("w") as file:
            client = self.lab.start("client", *command, stdout=file)
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(timeout)
        return [json.loads(line) for line in out.read_text().splitlines()]


def table(name: str, flows: Iterable[Seen]) -> str:
    """Return a line a flow, for reports and failures."""
    return "\n".join(f"{name:28} {flow.text()}" for flow in flows)
