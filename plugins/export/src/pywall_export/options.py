"""Options of the plugins ``export`` and ``otlp``."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

#: URL schemes by broker
SCHEMES: Final = ("redis", "rediss", "nats", "kafka")


def web_address(url: str, example: str) -> SplitResult:
    """Return the parts of an address of HTTP.

    :raises ValueError: it is none, or its port no number up to 65535
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the URL is no web address; write {example}")
    _ = parts.port
    return parts


class SpoolOptions(BaseModel):
    """Where events wait on disk while the broker is away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Field(
        default=Path("/var/log/pywall/export"),
        description="folder of the spool; each worker has a folder of its own in it",
    )
    max_mib: int = Field(
        default=256, ge=1, le=1_048_576, description="most MiB of one worker's spool; later events are counted as lost"
    )

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: Path) -> Path:
        if not folder.is_absolute():
            raise ValueError(f"'{folder}' is a relative path; write an absolute one, such as /var/log/pywall/export")
        return folder


class ExportOptions(BaseModel):
    """Options of the plugin ``export``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        default="redis://127.0.0.1:6379/0",
        description="broker: redis://[user:password@]host:port/db, nats://[user:password@]host:port or "
        "kafka://[user:password@]host:port; with TLS rediss://",
    )
    topic: str = Field(
        default="pywall:events", min_length=1, max_length=255, description="Redis stream, NATS subject, or Kafka topic"
    )
    max_length: int = Field(
        default=1_000_000,
        ge=0,
        description="events that the Redis stream keeps, approximately; the oldest go first; 0: all",
    )
    format: Literal["eve", "ecs"] = Field(
        default="eve", description="field names: eve, as in the event files; ecs, Elastic Common Schema"
    )
    types: frozenset[str] | None = Field(default=None, description="event types that are sent; not given: all")
    queue: int = Field(
        default=20_000, ge=1, le=1_000_000, description="events that wait in memory; later ones are counted as lost"
    )
    timeout: float = Field(
        default=2.0, ge=0.1, le=60.0, description="seconds without an answer after which the broker counts as away"
    )
    spool: SpoolOptions = Field(default_factory=SpoolOptions, description="where events wait on disk")

    @field_validator("url")
    @classmethod
    def _names_a_broker(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            known = ", ".join(f"{scheme}://host:port" for scheme in SCHEMES)
            raise ValueError(f"the URL names no known broker; write one of {known}")
        _ = parts.port  # raises ValueError when it is no number up to 65535
        if parts.scheme == "kafka" and find_spec("confluent_kafka") is None:
            raise ValueError("Kafka needs its client library: pip install 'pywall-export[kafka]'")
        return url


class OtlpOptions(BaseModel):
    """Options of the plugin ``otlp``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        default="http://127.0.0.1:4318", description="collector, without /v1/logs: http://host:port or https://host"
    )
    headers: dict[str, str] = Field(default_factory=dict, description="HTTP headers of each request, such as a token")
    logs: bool = Field(default=True, description="send events as log records")
    types: frozenset[str] | None = Field(default=None, description="event types that are sent; not given: all")
    metrics: int = Field(default=60, ge=0, le=3600, description="seconds between two exports of counters; 0: none")
    queue: int = Field(
        default=20_000, ge=1, le=1_000_000, description="events that wait in memory; later ones are counted as lost"
    )
    timeout: float = Field(
        default=2.0, ge=0.1, le=60.0, description="seconds without an answer after which the collector counts as away"
    )
    spool: SpoolOptions = Field(
        default_factory=lambda: SpoolOptions(folder=Path("/var/log/pywall/otlp")),
        description="where events wait on disk",
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = web_address(url, "http://host:4318 or https://host")
        if parts.path.strip("/").endswith(("v1/logs", "v1/metrics")):
            raise ValueError("leave /v1/logs and /v1/metrics out: they are added")
        if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter.otlp.proto.http") is None:
            raise ValueError("OpenTelemetry needs its SDK: pip install 'pywall-export[otlp]'")
        return url
