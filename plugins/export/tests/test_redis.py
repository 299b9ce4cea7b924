"""Events of an engine in a real Redis: they come, in order, and a restart of the server loses none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pywall_export.options import ExportOptions
from pywall_export.plugin import Export

from pywall_core.testing import InMemory, engine, udp_packet
from pywall_core.testing.certificates import make_certificate


def exporting(url: str, folder: Path, **options: Any) -> tuple[Export, InMemory]:
    plugin = Export(ExportOptions(url=url, spool={"folder": folder / "spool"}, **options))
    return plugin, engine({"chains": {"INPUT": []}, "default": "DROP"}, plugins={"export": plugin}, live=True)


def numbers(entries: list[tuple[str, bytes]]) -> list[int]:
    return [json.loads(event)["n"] for _, event in entries]


def test_what_the_engine_reports_is_in_the_stream(
    redis_server: Any, tmp_path: Path, until: Callable[..., None]
) -> None:
    redis_server.start()
    plugin, lab = exporting(redis_server.url, tmp_path)
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    until(lambda: plugin.pywall_stats()["sent"] == 1)
    lab.close()
    events = [json.loads(event) for _, event in redis_server.entries()]
    assert events == lab.events
    assert [event["event_type"] for event in events] == ["drop", "flow"]


def test_only_the_types_asked_for(redis_server: Any, tmp_path: Path) -> None:
    redis_server.start()
    _, lab = exporting(redis_server.url, tmp_path, types=["flow"], format="ecs")
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    (event,) = [json.loads(event) for _, event in redis_server.entries()]
    assert event["event"]["action"] == "flow"
    assert event["source"]["ip"] == "192.0.2.1"


@pytest.mark.parametrize("kill", [False, True], ids=["terminated", "killed"])
def test_a_restart_in_the_middle_loses_nothing(
    redis_server: Any, tmp_path: Path, until: Callable[..., None], kill: bool
) -> None:
    redis_server.start()
    plugin, lab = exporting(redis_server.url, tmp_path)
    total, stopping = 20_000, threading.Event()

    def restart() -> None:
        stopping.wait()
        redis_server.stop(kill=kill)
        until(lambda: plugin.pywall_stats()["waiting"] > 0)
        redis_server.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    for n in range(total):
        until(lambda: plugin.pywall_stats()["queued"] < 10_000)
        plugin.pywall_event({"event_type": "test", "n": n})
        if n == total // 2:
            stopping.set()
    restarting.join(30)
    until(lambda: plugin.pywall_stats()["sent"] == total)
    lab.close()

    stats = plugin.pywall_stats()
    assert stats["spooled"] > 0
    assert stats["failures"] > 0
    assert [name for name, n in stats.items() if name.startswith("lost") and n] == []
    entries = redis_server.entries()
    first = dict(reversed(entries))  # by ID: the batch whose answer was lost may be there twice
    assert len(first) == total
    assert numbers(list(dict.fromkeys(entries))) == list(range(total))
    assert not list((tmp_path / "spool" / "worker-0").glob("*.spool"))


def test_what_waits_at_the_end_is_sent_by_the_next_start(
    redis_server: Any, tmp_path: Path, until: Callable[..., None]
) -> None:
    _, lab = exporting(redis_server.url, tmp_path)
    lab.send([udp_packet("192.0.2.1", port, "192.0.2.9", 53, b"x") for port in range(1, 101)])
    lab.close()
    redis_server.start()
    again, second = exporting(redis_server.url, tmp_path)
    until(lambda: again.pywall_stats()["sent"] == len(lab.events))
    second.close()
    assert [json.loads(event) for _, event in redis_server.entries()] == lab.events


def test_a_server_that_refuses_writes_counts_as_away(
    redis_server: Any, tmp_path: Path, until: Callable[..., None]
) -> None:
    redis_server.start()
    with redis_server.client() as client:
        client.config_set("maxmemory", "1")
        plugin, lab = exporting(redis_server.url, tmp_path)
        for n in range(1000):
            plugin.pywall_event({"event_type": "test", "n": n})
        until(lambda: plugin.pywall_stats()["waiting"] == 1000)
        client.config_set("maxmemory", "0")
    until(lambda: plugin.pywall_stats()["sent"] == 1000)
    lab.close()
    assert numbers(redis_server.entries()) == list(range(1000))


def test_the_stream_is_kept_near_its_length(redis_server: Any, tmp_path: Path, until: Callable[..., None]) -> None:
    redis_server.start()
    plugin, lab = exporting(redis_server.url, tmp_path, max_length=1000)
    for n in range(5000):
        plugin.pywall_event({"event_type": "test", "n": n})
    until(lambda: plugin.pywall_stats()["sent"] == 5000)
    lab.close()
    kept = numbers(redis_server.entries())
    assert kept == list(range(5000))[-len(kept) :]
    assert 1000 <= len(kept) < 1200


def test_in_a_replay_nothing_is_opened(tmp_path: Path) -> None:
    plugin = Export(ExportOptions(spool={"folder": tmp_path / "spool"}))
    lab = engine({"chains": {"INPUT": []}}, plugins={"export": plugin}, live=False)
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    assert plugin.pywall_stats() == {}
    assert not (tmp_path / "spool").exists()


def test_tls_takes_a_certificate_of_the_named_authority_and_no_other(
    redis_server: Any, tmp_path: Path, until: Callable[..., None]
) -> None:
    certificate, key, _ = make_certificate(tmp_path, "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate)]
    redis_server.start("--tls-port", str(port), "--tls-auth-clients", "no", *files)

    plugin, lab = exporting(f"rediss://127.0.0.1:{port}/0", tmp_path)
    plugin.pywall_event({"event_type": "test", "n": 1})
    until(lambda: plugin.pywall_stats()["waiting"] == 1)
    lab.close()
    assert redis_server.entries() == []

    again, lab = exporting(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}", tmp_path)
    until(lambda: again.pywall_stats()["sent"] == 1)
    lab.close()
    assert numbers(redis_server.entries()) == [1]
