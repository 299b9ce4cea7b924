"""Events as a firewall writes them, made by replaying conversations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pywall_core.testing import conversation, write_pcap

POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: app, is: ssh, action: DROP}
"""
STRICTER = POLICY.replace("is: ssh", "is: [ssh, http]")


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(POLICY)
    path.with_name("stricter.yaml").write_text(STRICTER)
    return path


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One SSH and two HTTP connections; one host name tries to break out of the page."""
    talks = [
        conversation(client=("192.0.2.1", 4001), server=("198.51.100.2", 2222))
        .server(b"SSH-2.0-a\r\n")
        .client(b"SSH-2.0-b\r\n")
        .client(b"more"),
        *(
            conversation(client=("192.0.2.1", 4002 + n), server=("198.51.100.2", 80))
            .client(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            .server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            for n, host in enumerate((b"www.example", b"</script><script>alert(1)</script>"))
        ),
    ]
    path = tmp_path_factory.mktemp("captures") / "talks.pcap"
    write_pcap(path, [frame for talk in talks for frame in talk.frames()])
    return path


@pytest.fixture
def flow_event() -> Callable[..., dict[str, Any]]:
    """A ``flow`` event as a function of its number, and of fields that replace others."""
    return _flow_event


def _flow_event(number: int, **fields: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "timestamp": "2026-01-01T00:00:10.000000+0000",
        "event_type": "flow",
        "flow_id": number,
        "src_ip": "192.0.2.1",
        "src_port": 4000,
        "dest_ip": "198.51.100.2",
        "dest_port": 443,
        "proto": "TCP",
        "community_id": "1:x",
        "app_proto": "tls",
        "flow": {
            "pkts_toserver": 2,
            "pkts_toclient": 1,
            "bytes_toserver": 200,
            "bytes_toclient": 100,
            "start": "2026-01-01T00:00:00.000000+0000",
            "end": "2026-01-01T00:00:10.000000+0000",
        },
        "verdict": {"action": "accept"},
        "pywall": {"rule": "INPUT[0]", "reason": "matched"},
    }
    return {**event, **fields}
