"""OpenTelemetry (OTLP over HTTP with protobuf), by the OpenTelemetry SDK: events as log records, counters as metrics.

Sources: OpenTelemetry Protocol 1, log data model, semantic conventions (source, destination, network, log.record.uid).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import requests
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from .broker import BrokerError, RefusedError
from .record import Record

if TYPE_CHECKING:
    from .options import OtlpOptions

Json = dict[str, Any]
#: labels and figure
Samples = Iterable[tuple[dict[str, str], float]]

_SCOPE: Final = InstrumentationScope("pywall")
#: EVE key -> attribute of the semantic conventions
_ATTRIBUTES: Final = {
    "src_ip": "source.address",
    "src_port": "source.port",
    "dest_ip": "destination.address",
    "dest_port": "destination.port",
    "app_proto": "network.protocol.name",
    "community_id": "network.community_id",
}
_SEVERITIES: Final = {
    "alert": SeverityNumber.WARN,
    "drop": SeverityNumber.WARN,
    "anomaly": SeverityNumber.WARN,
}
#: statuses of HTTP that are about the records themselves; others an administrator may mend, or time (OTLP 1, Failures)
_NEVER: Final = frozenset({400, 413, 415, 422})
#: what the SDK itself logs; what matters is told by this plugin, once a minute
_SDK_LOGGER: Final = "opentelemetry"


def resource(worker: int) -> Resource:
    """Return who speaks: the host's name is the collector's matter, worker numbers are ours."""
    return Resource({"service.name": "pywall", "service.instance.id": f"worker-{worker}"})


class OtlpLogs:
    """Log records to a collector; a :class:`~pywall_export.broker.Broker`."""

    def __init__(self, options: OtlpOptions, worker: int) -> None:
        logging.getLogger(_SDK_LOGGER).setLevel(logging.CRITICAL)
        self._resource = resource(worker)
        self._url = f"{options.url.rstrip('/')}/v1/logs"
        self._status = 0
        session = requests.Session()
        session.hooks["response"].append(self._note)
        self._exporter = OTLPLogExporter(
            endpoint=self._url, headers=options.headers, timeout=options.timeout, session=session
        )

    def send(self, records: Sequence[Record]) -> None:
        """Send records in order; see :class:`~pywall_export.broker.Broker`."""
        batch = [ReadableLogRecord(log_record(each), self._resource, _SCOPE) for each in records]
        self._status = 0
        if self._exporter.export(batch) is LogRecordExportResult.SUCCESS:
            return
        if self._status in _NEVER:
            raise RefusedError(f"{self._url} answered {self._status}")
        answer = f" (status {self._status})" if self._status else ""
        raise BrokerError(f"{self._url} did not take the log records{answer}")

    def _note(self, response: requests.Response, *_: object, **__: object) -> None:
        self._status = response.status_code

    def close(self) -> None:
        """Close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call,unused-ignore]


def log_record(record: Record) -> LogRecord:
    """Return an event as a log record: its fields as the body, ends and protocol as attributes too."""
    event = json.loads(record.body)
    kind = str(event.get("event_type", "event"))
    attributes: Json = {"log.record.uid": record.id}
    for key, name in _ATTRIBUTES.items():
        if event.get(key) not in (None, "unknown", "none"):
            attributes[name] = event[key]
    if "proto" in event:
        attributes["network.transport"] = str(event["proto"]).lower()
    severity = _SEVERITIES.get(kind, SeverityNumber.INFO)
    return LogRecord(
        timestamp=nanoseconds(str(event.get("timestamp", ""))),
        severity_number=severity,
        severity_text=severity.name,
        body=event,
        attributes=attributes,
        event_name=f"pywall.{kind}",
    )


def nanoseconds(stamp: str) -> int | None:
    """Return an EVE time stamp in nanoseconds since 1970, None where it is none."""
    try:
        whole = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return int(whole.replace(microsecond=0).timestamp()) * 1_000_000_000 + whole.microsecond * 1000


class _Counting(OTLPMetricExporter):
    """Counts exports that succeeded and failed."""

    sent = failed = 0

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is MetricExportResult.SUCCESS:
            self.sent += 1
        else:
            self.failed += 1
        return result


class OtlpMetrics:
    """Counters to a collector every ``options.metrics`` seconds, by a thread of the SDK.

    ``stats()`` returns the last copy of the engine's counters; it is called in that thread.
    """

    def __init__(self, options: OtlpOptions, worker: int, stats: Callable[[], Json]) -> None:
        logging.getLogger(_SDK_LOGGER).setLevel(logging.CRITICAL)
        self._exporter = _Counting(
            endpoint=f"{options.url.rstrip('/')}/v1/metrics", headers=options.headers, timeout=options.timeout
        )
        reader = PeriodicExportingMetricReader(
            self._exporter,
            export_interval_millis=options.metrics * 1000.0,
            export_timeout_millis=options.timeout * 1000.0,
        )
        self._timeout = options.timeout
        self._provider = MeterProvider([reader], resource(worker), shutdown_on_exit=False)
        meter = self._provider.get_meter("pywall")
        for name, unit, what, read in COUNTERS:
            meter.create_observable_counter(name, [_callback(read, stats)], unit, what)
        for name, unit, what, read in GAUGES:
            meter.create_observable_gauge(name, [_callback(read, stats)], unit, what)

    def figures(self) -> dict[str, int]:
        """Return exports that succeeded and failed."""
        return {"metrics_sent": self._exporter.sent, "metrics_failed": self._exporter.failed}

    def close(self) -> None:
        """Send the last counters, and end the thread."""
        self._provider.shutdown(timeout_millis=self._timeout * 1000.0)


def _callback(
    read: Callable[[Json], Samples], stats: Callable[[], Json]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        current = stats()
        return [Observation(n, labels) for labels, n in read(current)] if current else []

    return observe


def _verdicts(stats: Json) -> Samples:
    names = {rule: named["name"] for rule, named in stats["rule_names"].items()}
    for one in stats["decisions"]:
        rule = "pending" if one["pending"] else one["rule"]
        yield (
            {"chain": one["chain"], "rule": rule, "name": names.get(rule, ""), "action": one["action"]},
            one["packets"],
        )


def _of(path: tuple[str, ...], label: str) -> Callable[[Json], Samples]:
    """Return what reads the counters by name at ``path``."""

    def read(stats: Json) -> Samples:
        found: Any = stats
        for name in path:
            found = found.get(name, {})
        return [({label: key}, n) for key, n in found.items() if isinstance(n, (int, float))]

    return read


def _one(name: str) -> Callable[[Json], Samples]:
    return lambda stats: [({}, stats[name])]


def _queue_lost(stats: Json) -> Samples:
    queue = stats.get("queue", {})
    return [
        ({"full": full}, queue[name])
        for full, name in (("queue", "dropped_full"), ("socket", "dropped_user"))
        if name in queue
    ]


def _sets(stats: Json) -> Samples:
    return [({"set": name}, one["entries"]) for name, one in stats.get("sets", {}).items()]


Instrument = tuple[str, str, str, Callable[[Json], Samples]]

#: name, unit (UCUM), meaning, and what reads it from the engine's counters
COUNTERS: Final[tuple[Instrument, ...]] = (
    ("pywall.packets", "{packet}", "Packets that got a verdict.", _one("packets")),
    ("pywall.bytes", "By", "Bytes of packets that got a verdict, by the IP header.", _one("bytes")),
    ("pywall.verdicts", "{packet}", "Packets by the rule that decided.", _verdicts),
    ("pywall.rule.hits", "{match}", "How often a rule matched when it was asked.", _of(("rules",), "rule")),
    ("pywall.losses", "{loss}", "Packets and events not treated as the rules say.", _of(("losses",), "cause")),
    ("pywall.queue.drops", "{packet}", "Packets lost as the queue or its socket was full.", _queue_lost),
    ("pywall.events", "{event}", "Events by what became of them.", _of(("events",), "outcome")),
)
GAUGES: Final[tuple[Instrument, ...]] = (
    ("pywall.flows", "{flow}", "Flows in the table by state.", _of(("flows", "by_state"), "state")),
    ("pywall.flows.by_app", "{flow}", "Flows in the table by name.", _of(("flows", "by_app_proto"), "app_proto")),
    ("pywall.set.entries", "{entry}", "Entries of named sets.", _sets),
)
