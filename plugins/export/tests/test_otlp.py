"""Events and counters at an OpenTelemetry collector: a stub that reads OTLP over HTTP as protobuf, on loopback."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from pywall_export.options import OtlpOptions
from pywall_export.otlp_plugin import Otlp

from pywall_core.testing import InMemory, engine, udp_packet


class Collector(ThreadingHTTPServer):
    """Decodes what is posted. ``status`` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.logs: list[Any] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        #: requests with these bytes in them are answered by 400
        self.refused = b""

    def values(self) -> dict[tuple[str, str], float]:
        """The last figures: name, and its labels as JSON."""
        found = {}
        for request in self.metrics:
            for metric in request.resource_metrics[0].scope_metrics[0].metrics:
                data = metric.sum if metric.HasField("sum") else metric.gauge
                for point in data.data_points:
                    labels = json.dumps({one.key: one.value.string_value for one in point.attributes}, sort_keys=True)
                    found[metric.name, labels] = point.as_int or point.as_double
        return found


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        refused = self.server.refused and self.server.refused in body
        if self.server.status == 200 and not refused:
            self.server.headers.append(dict(self.headers))
            if self.path == "/v1/logs":
                request = ExportLogsServiceRequest.FromString(body)
                self.server.logs += request.resource_logs[0].scope_logs[0].log_records
            elif self.path == "/v1/metrics":
                self.server.metrics.append(ExportMetricsServiceRequest.FromString(body))
        self.send_response(400 if refused else self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def exporting(collector: Collector, folder: Path, **options: Any) -> tuple[Otlp, InMemory]:
    plugin = Otlp(OtlpOptions(url=collector.url, spool={"folder": folder / "spool"}, **options))
    return plugin, engine({"chains": {"INPUT": []}, "default": "DROP"}, plugins={"otlp": plugin}, live=True)


def text_of(value: Any) -> Any:
    """An AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "kvlist_value":
        return {one.key: text_of(one.value) for one in value.kvlist_value.values}
    if kind == "array_value":
        return [text_of(one) for one in value.array_value.values]
    return getattr(value, kind) if kind else None


def test_events_are_log_records_with_all_fields(collector: Collector, tmp_path: Path) -> None:
    _, lab = exporting(collector, tmp_path, headers={"authorization": "Bearer secret"})
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    assert [record.event_name for record in collector.logs] == ["pywall.drop", "pywall.flow"]
    drop = collector.logs[0]
    assert text_of(drop.body) == lab.events[0]
    attributes = {one.key: text_of(one.value) for one in drop.attributes}
    assert attributes["source.address"] == "192.0.2.1"
    assert attributes["destination.port"] == 53
    assert attributes["network.transport"] == "udp"
    assert attributes["log.record.uid"].endswith("-1")
    assert drop.severity_text == "WARN"
    assert str(drop.time_unix_nano)[:10].isdecimal()
    assert collector.headers[0]["authorization"] == "Bearer secret"


def test_counters_are_metrics_and_the_last_ones_come_at_the_end(collector: Collector, tmp_path: Path) -> None:
    plugin, lab = exporting(collector, tmp_path, logs=False, metrics=3600)
    lab.send([udp_packet("192.0.2.1", port, "192.0.2.9", 53, b"x") for port in range(1, 11)])
    lab.close()
    values = collector.values()
    assert values["pywall.packets", "{}"] == 10
    assert values["pywall.bytes", "{}"] == 290
    decided = json.dumps({"chain": "INPUT", "rule": "default", "name": "", "action": "drop"}, sort_keys=True)
    assert values["pywall.verdicts", decided] == 10
    assert collector.logs == []
    assert plugin.pywall_stats() == {"metrics_sent": 1, "metrics_failed": 0}
    resource = collector.metrics[0].resource_metrics[0].resource
    assert {one.key: one.value.string_value for one in resource.attributes}["service.instance.id"] == "worker-0"


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_collector_that_refuses_counts_as_away_and_nothing_is_lost(
    collector: Collector, tmp_path: Path, until: Callable[..., None], status: int
) -> None:
    collector.status = status
    plugin, lab = exporting(collector, tmp_path, metrics=0, timeout=0.3)
    for n in range(1000):
        plugin.pywall_event({"event_type": "test", "n": n})
    until(lambda: plugin.pywall_stats()["waiting"] == 1000)
    collector.status = 200
    until(lambda: plugin.pywall_stats()["sent"] == 1000)
    lab.close()
    assert [text_of(record.body)["n"] for record in collector.logs] == list(range(1000))
    assert [name for name, n in plugin.pywall_stats().items() if name.startswith("lost") and n] == []


def test_without_a_collector_the_end_comes_soon_and_events_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = OtlpOptions(url="http://127.0.0.1:9", timeout=0.2, spool={"folder": tmp_path / "spool"})
    plugin = Otlp(options)
    lab = engine({"chains": {"INPUT": []}}, plugins={"otlp": plugin}, live=True)
    plugin.pywall_event({"event_type": "test", "n": 1})
    lab.close()
    assert plugin.pywall_stats()["waiting"] == 1
    assert "otlp: the broker is away" in caplog.text
    assert "Traceback" not in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("otlp") and thread.is_alive()]


def test_a_replay_sends_nothing(collector: Collector, tmp_path: Path) -> None:
    plugin = Otlp(OtlpOptions(url=collector.url, spool={"folder": tmp_path / "spool"}))
    lab = engine({"chains": {"INPUT": []}}, plugins={"otlp": plugin})
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    assert (collector.logs, collector.metrics) == ([], [])
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("otlp://h", "write http://host:4318"),
        ("http://", "write http://host:4318"),
        ("http://h:4318/v1/logs", "leave /v1/logs and /v1/metrics out"),
        ("http://h:99999", "ort"),
    ],
)
def test_urls(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        OtlpOptions(url=url)


def test_a_record_that_is_refused_for_good_blocks_nothing(
    collector: Collector, tmp_path: Path, until: Callable[..., None]
) -> None:
    collector.refused = b"poison"
    plugin, lab = exporting(collector, tmp_path, metrics=0, timeout=2.0)
    for n in range(300):
        plugin.pywall_event({"event_type": "test", "n": n, "x": "poison" if n == 150 else "good"})
    until(lambda: plugin.pywall_stats()["sent"] == 299)
    assert plugin.pywall_stats()["lost_refused"] == 1
    lab.close()
    assert [text_of(record.body)["n"] for record in collector.logs] == [n for n in range(300) if n != 150]
    assert "poison" in (tmp_path / "spool" / "worker-0" / "refused.jsonl").read_text()
