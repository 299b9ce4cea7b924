"""Real tunnels in DNS, ICMP, WebSocket, HTTP and CONNECT under `strict-carriers`, and their honest neighbours."""

from __future__ import annotations

import contextlib
import sys
from importlib import resources
from pathlib import Path

import pytest

from pywall_core.testing.netns import Lab
from tests.covert import tunnels
from tests.covert.labs import ORIGIN, Stage

pytestmark = pytest.mark.netns
POLICY = (resources.files("pywall_core") / "policies" / "strict-carriers.yaml").read_text()
TALK = str(Path(__file__).with_name("carrier_talk.py"))
LONG = 20_000
"""Bytes of a transfer that must not come to its end: what a tunnel carried in 16 KiB is less."""


@pytest.fixture
def stage(netns_lab: object, tmp_path: Path) -> Stage:
    lab: Lab = netns_lab()  # type: ignore[operator]
    made = Stage(lab, tmp_path)
    made.python("server", "origin.py", "server", ORIGIN)
    return made


@pytest.mark.parametrize(
    ("start", "port", "reason"),
    [
        (tunnels.iodine, 53, "names that carry data"),
        (tunnels.dns2tcp, 53, "names that carry data"),
        (tunnels.ptunnel, 0, "ICMP"),
    ],
)
def test_a_tunnel_is_cut_within_16_kilobytes(stage: Stage, start: tunnels.Start, port: int, reason: str) -> None:
    stage.start_firewall(POLICY)
    sessions = []
    with contextlib.suppress(AssertionError):  # cut before the tunnel stands
        sessions = stage.transfer(*start(stage, port), timeout=60)
    drops = [event["pywall"]["rule_name"] for event in stage.events("drop")]
    assert any(reason in name for name in drops), drops
    assert not any(session["whole"] for session in sessions if session["size"] >= LONG), sessions


def talk(stage: Stage, what: str) -> int:
    return int(stage.lab.run("client", sys.executable, TALK, "client", stage.server, what, timeout=40))


@pytest.fixture
def talking(stage: Stage) -> Stage:
    pytest.importorskip("websockets")
    stage.start_firewall(POLICY)
    stage.python("server", TALK, "server")
    return stage


def test_noise_is_cut_within_16_kilobytes(talking: Stage) -> None:
    came = {what: talk(talking, what) for what in ("noise", "connect", "ws-noise", "ws-deflate-noise")}
    assert {what: size for what, size in came.items() if size > 16_384} == {}
    names = {event["pywall"]["rule_name"] for event in talking.events("drop")}
    assert names == {"ciphertext in an HTTP body", "ciphertext in WebSocket", "encrypted and no known protocol"}


def test_honest_neighbours_pass(talking: Stage) -> None:
    pytest.importorskip("PIL")
    for what in ("text", "gzip", "zip", "jpeg", "ws-chat"):
        assert talk(talking, what) > 15_000, what
    answered = talking.lab.run("client", "ping", "-c", "20", "-i", "0.1", "-W", "5", "-s", "1000", talking.server)
    assert "20 received" in answered
    assert talking.events("drop") == []
