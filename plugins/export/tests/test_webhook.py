"""Alerts arrive at a real HTTP server on loopback, no faster than allowed; a bad receiver costs only its alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pywall_export.alerts import TokenBucket
from pywall_export.webhook import Webhook, WebhookOptions

from pywall_core.testing import InMemory, engine, udp_packet


class Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posts: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.release = threading.Event()
        self.release.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.release.wait(20)
        self.server.paths.append(self.path)
        self.server.posts.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.server.paths.append(self.path)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def posting(url: str, **options: Any) -> tuple[Webhook, InMemory]:
    plugin = Webhook(WebhookOptions(url=url, **options))
    rule = {"rule": "port", "dst": 53, "protocol": "udp", "action": "DROP", "observe": True, "comment": "no dns"}
    policy = {"plugins": ["rules"], "chains": {"INPUT": [rule]}}
    return plugin, engine(policy, plugins={"rules": _rules(), "webhook": plugin}, live=True)


def _rules() -> object:
    from importlib.metadata import entry_points

    (found,) = entry_points(group="pywall.plugins", name="rules")
    return found.load()


def alert(n: int) -> dict[str, Any]:
    return {"event_type": "alert", "alert": {"signature": f"number {n}"}}


def test_an_alert_of_the_engine_is_posted(receiver: Receiver) -> None:
    plugin, lab = posting(receiver.url)
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    (post,) = receiver.posts
    assert post["text"] == "PyWall: no dns (192.0.2.1 port 7 to 192.0.2.9 port 53)"
    assert post["event"] == lab.of_type("alert")[0]
    assert plugin.pywall_stats() == {"sent": 1, "failed": 0, "suppressed": 0}


def test_more_than_the_rate_is_counted_and_the_next_post_says_so(
    receiver: Receiver, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("pywall_export.alerts.monotonic", lambda: now[0])
    plugin, lab = posting(receiver.url, per_minute=6, burst=3)
    for n in range(50):
        plugin.pywall_event(alert(n))
    until(lambda: len(receiver.posts) == 3)
    now[0] += 10.0
    plugin.pywall_event(alert(50))
    plugin.pywall_event(alert(51))
    lab.close()
    assert [post["event"]["alert"]["signature"] for post in receiver.posts] == [f"number {n}" for n in (0, 1, 2, 50)]
    assert [post["suppressed"] for post in receiver.posts] == [0, 0, 0, 47]
    assert plugin.pywall_stats() == {"sent": 4, "failed": 0, "suppressed": 48}


def test_a_receiver_that_hangs_keeps_nobody(receiver: Receiver) -> None:
    receiver.release.clear()
    plugin, lab = posting(receiver.url, per_minute=6000, burst=5, timeout=0.2)
    for n in range(1000):
        plugin.pywall_event(alert(n))
    lab.close()
    stats = plugin.pywall_stats()
    assert stats["sent"] == 0
    assert stats["failed"] + stats["suppressed"] == 1000


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_an_answer_that_is_no_success_is_a_failure_and_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.status = status
    plugin, lab = posting(receiver.url)
    plugin.pywall_event(alert(1))
    lab.close()
    assert plugin.pywall_stats() == {"sent": 0, "failed": 1, "suppressed": 0}
    assert receiver.paths == ["/hook"]


@given(st.lists(st.floats(0, 100), max_size=300), st.floats(0.01, 50), st.integers(1, 20))
def test_no_more_pass_than_burst_and_rate_allow(steps: list[float], rate: float, burst: int) -> None:
    bucket = TokenBucket(rate, burst, 0.0)
    now, passed = 0.0, 0
    for step in steps:
        now += step
        passed += bucket.take(now)
    assert passed <= burst + rate * now + 1e-6


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://", "example.org", "http://h:99999/"])
def test_an_address_that_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"https://host/path|ort"):
        WebhookOptions(url=url)
