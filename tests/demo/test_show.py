"""The demonstration: its policies load, and the recorded capture shows what the real traffic does."""

from __future__ import annotations

import pytest

from pywall_core.config import load
from pywall_core.demo import show, traffic
from pywall_core.testing import replay
from pywall_core.testing.netns import LabError


def test_each_act_has_a_policy() -> None:
    for policy, title in show.ACTS:
        assert load(policy).version == 1
        assert title


def test_the_recorded_capture_has_every_transfer() -> None:
    pytest.importorskip("pywall_protocols")
    lab = replay(show.recorded())
    flows = [event for event in lab.events if event["event_type"] == "flow"]
    named = {flow["dest_port"]: flow["app_proto"] for flow in flows if "dest_port" in flow}
    assert named[traffic.HTTP_PORT] == "http"
    assert named[traffic.TLS_PORT] == "tls"
    assert named[traffic.DNS_PORT] == "dns"
    assert {named[traffic.FILE_PORT], named[traffic.TUNNEL_PORT]} == {"unknown"}
    assert any(":" in flow["dest_ip"] for flow in flows)


def test_without_namespaces_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "unavailable", lambda: "network namespaces need root")
    with pytest.raises(LabError, match="need root"):
        next(show.acts())
