"""A scrape of the real firewall in a namespace, by HTTP, read by Prometheus' own parser; and of an engine in memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pywall_metrics.families import FROM_THE_START, families
from pywall_metrics.gather import StatsServer, ask_workers

from pywall_core.testing import conversation, engine, udp_packet

POLICY = """\
version: 1
queue: {offload: false, workers: WORKERS}
plugins: [rules, metrics]
chains:
  INPUT:
    - {rule: port, protocol: udp, dst: 7000, action: DROP}
events: {file: EVENTS, stats: 1}
"""
SEND = """
import socket
for port in (7000, 7001):
    for n in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"?", ("ADDRESS", port))
"""
HOLD = """
import socket, time
s = socket.create_server(("127.0.0.1", 9783))
print("ready", flush=True)
time.sleep(60)
"""
FETCH = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=8).read().decode())"
PYWALL = [sys.executable, "-c", "from pywall_core.cli import main; raise SystemExit(main())"]
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Values:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    """The one sample that has these labels, whatever others it has."""
    (found,) = [v for (sample, has), v in values.items() if sample == name and labels.items() <= dict(has).items()]
    return found


def until(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


class Running:
    """The firewall on the server's side of a lab."""

    def __init__(self, lab: Any, folder: Path, workers: int = 1) -> None:
        self.lab = lab
        self.events = folder / "eve.json"
        policy = folder / "pywall.yaml"
        policy.write_text(POLICY.replace("WORKERS", str(workers)).replace("EVENTS", str(self.events)))
        policy.chmod(0o600)
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = lab.start("server", *PYWALL, "run", "--config", str(policy), stderr=log)
        until(lambda: "running:" in self.log.read_text())

    def scrape(self, port: int = 9783) -> Values:
        return read(self.lab.run("server", sys.executable, "-c", FETCH, f"http://127.0.0.1:{port}/metrics"))

    def send(self) -> None:
        self.lab.run("client", sys.executable, "-c", SEND.replace("ADDRESS", self.lab.server4))


@pytest.mark.netns
def test_scrape_of_the_running_firewall(netns_lab: Callable[..., Any], tmp_path: Path) -> None:
    running = Running(netns_lab(), tmp_path)
    until(lambda: "metrics: http" in running.log.read_text())
    before = running.scrape()
    for cause in FROM_THE_START:
        assert value(before, "pywall_losses_total", cause=cause) == 0
    assert value(before, "pywall_plugin_errors_total", plugin="rules") == 0
    assert value(before, "pywall_plugin_quarantined", plugin="rules") == 0
    assert value(before, "pywall_plugin_seconds_total", plugin="chains") >= 0
    running.send()
    after = running.scrape()
    dropped = value(after, "pywall_verdicts_total", chain="INPUT", rule="INPUT[0]", action="drop")
    assert dropped == 100
    assert value(after, "pywall_verdicts_total", chain="INPUT", rule="default", action="accept") >= 100
    assert value(after, "pywall_packets_total") - value(before, "pywall_packets_total") >= 200
    assert value(after, "pywall_flows", state="new") > 100, "some source ports came twice"
    assert value(after, "pywall_flows_by_protocol", proto="UDP") > 100
    assert value(after, "pywall_queue_packets_total") >= 200
    assert value(after, "pywall_queue_drops_total", full="queue") == 0
    assert value(after, "pywall_queue_length") >= 0
    sampled = value(after, "pywall_verdict_latency_seconds_count")
    assert sampled >= value(after, "pywall_packets_total") // 64 - 1 >= 2
    assert value(after, "pywall_verdict_latency_seconds_bucket", le="+Inf") == sampled
    assert 0 < value(after, "pywall_verdict_latency_seconds_sum") < sampled
    assert value(after, "pywall_plugin_seconds_total", plugin="chains") > 0
    assert value(after, "pywall_metrics_age_seconds") < 3

    listening = running.lab.run("server", "ss", "-H", "-tln")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:9783"], "nothing but loopback"
    stats = until(lambda: [e for e in events(running.events) if e["event_type"] == "stats"])
    assert stats[-1]["stats"]["queue"]["dropped_full"] == 0

    running.process.send_signal(signal.SIGHUP)  # the new worker gets the port once the old one has gone
    until(lambda: "reloaded" in running.log.read_text())
    until(lambda: running.log.read_text().count("metrics: http") == 2)
    assert value(running.scrape(), "pywall_packets_total") < value(after, "pywall_packets_total")
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(15) == 0
    assert "Traceback" not in running.log.read_text()


@pytest.mark.netns
def test_one_port_shows_all_workers_and_a_taken_one_stops_nothing(
    netns_lab: Callable[..., Any], tmp_path: Path
) -> None:
    lab = netns_lab()
    holder = lab.start("server", sys.executable, "-c", HOLD, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    running = Running(lab, tmp_path, workers=2)
    until(lambda: "port 9783" in running.log.read_text())
    running.send()
    holder.terminate()
    until(lambda: "http://127.0.0.1:9783/metrics" in running.log.read_text())
    found = running.scrape()
    assert value(found, "pywall_verdicts_total", chain="INPUT", rule="INPUT[0]", action="drop") == 100
    listening = lab.run("server", "ss", "-H", "-tln")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:9783"]


def test_the_first_worker_asks_the_others() -> None:
    port = 60_000
    servers = [StatsServer(port, worker, lambda worker=worker: {"packets": worker}) for worker in (1, 2)]
    assert ask_workers(port, 5.0)() == [{"packets": 1}, {"packets": 2}]
    with pytest.raises(OSError, match="in use"):
        StatsServer(port, 2, dict)
    for server in servers:
        server.shutdown()
        server.server_close()
    assert ask_workers(port, 5.0)() == []


def test_another_user_is_neither_answered_nor_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = StatsServer(60_001, 1, lambda: {"packets": 1})
    assert ask_workers(60_001, 5.0)() == [{"packets": 1}]
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert ask_workers(60_001, 5.0)() == []
    server.shutdown()
    server.server_close()


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []


def test_every_family_can_be_read_by_prometheus() -> None:
    lab = engine({"chains": {"INPUT": []}, "default": "DROP"}, plugins={"broken": Broken()})
    lab.send(conversation().client(b"x"))
    lab.send([udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x"), b"\x45"])
    stats = lab.engine.stats()
    assert stats["losses"]
    stats["queue"] = {"waiting": 3, "dropped_full": 2, "dropped_user": 1, "packets": 9, "passed": 4, "failed": 0}
    values = read(generate_latest(Given(families(stats, 0.5))).decode())
    assert value(values, "pywall_queue_drops_total", full="socket") == 1
    assert value(values, "pywall_queue_passed_total") == 4
    assert value(values, "pywall_plugin_errors_total", plugin="broken") == stats["failures"]["broken"]["errors"] > 0
    assert value(values, "pywall_plugin_quarantined", plugin="broken") == 0
    assert value(values, "pywall_losses_total", cause="failure.plugin_error") > 0
    assert value(values, "pywall_losses_total", cause="decoder.ipv4.short") == 1
    decided = [n for (name, _), n in values.items() if name == "pywall_verdicts_total"]
    assert sum(decided) == stats["packets"]


def test_errors_and_quarantine_begin_at_nothing_for_all_that_may_fail() -> None:
    stats = engine({"chains": {"INPUT": []}}, plugins={}).engine.stats()
    stats["seconds"] = {"quiet": 0, "broken": 0.5, "chains": 0.1}
    stats["failures"] = {"broken": {"errors": 50, "quarantined": True, "last": ""}}
    values = read(generate_latest(Given(families(stats, 0.5))).decode())
    for name, broken in (("pywall_plugin_errors_total", 50), ("pywall_plugin_quarantined", 1)):
        found = {dict(labels)["plugin"]: n for (metric, labels), n in values.items() if metric == name}
        assert found == {"quiet": 0, "broken": broken, "rules": 0}
    assert value(values, "pywall_plugin_seconds_total", plugin="chains") == 0.1


class Broken:
    from pywall_core.api import hookimpl

    @hookimpl
    def pywall_packet(self, packet: object, flow: object) -> None:
        raise ValueError("broken on purpose")


class Given:
    """A registry of what was collected already."""

    def __init__(self, found: Any) -> None:
        self.found = list(found)

    def collect(self) -> Any:
        return self.found
