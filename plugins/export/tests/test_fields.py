"""ECS names of the engine's own events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pywall_export.fields import to_ecs, to_eve

from pywall_core.testing import engine, udp_packet


def events() -> dict[str, dict[str, Any]]:
    rule = {"rule": "port", "dst": 53, "protocol": "udp", "action": "DROP", "name": "no dns"}
    lab = engine({"plugins": ["rules"], "chains": {"INPUT": [rule]}})
    lab.send([udp_packet("192.0.2.1", 7, "192.0.2.9", 53, b"x")])
    lab.close()
    return {event["event_type"]: event for event in lab.events}


def test_a_drop() -> None:
    eve = events()["drop"]
    ecs = to_ecs(eve)
    assert datetime.fromisoformat(ecs["@timestamp"]) == datetime.fromisoformat(eve["timestamp"])
    assert ecs["@timestamp"].endswith("Z")
    assert (ecs["source"], ecs["destination"]) == ({"ip": "192.0.2.1", "port": 7}, {"ip": "192.0.2.9", "port": 53})
    assert ecs["network"]["transport"] == "udp"
    assert ecs["event"]["type"] == ["connection", "denied"]
    assert ecs["rule"] == {"id": "INPUT[0]", "name": "no dns"}


def test_a_flow() -> None:
    eve = events()["flow"]
    ecs = to_ecs(eve)
    assert ecs["event"]["type"] == ["connection", "end", "denied"]
    assert ecs["source"]["bytes"] == ecs["network"]["bytes"] == eve["flow"]["bytes_toserver"]
    assert ecs["destination"]["packets"] == 0
    assert ecs["event"]["start"] == eve["flow"]["start"].replace("+0000", "Z")


def test_nothing_is_left_out() -> None:
    for eve in events().values():
        ecs = to_ecs(eve)
        named = {
            "timestamp",
            "event_type",
            "proto",
            "src_ip",
            "src_port",
            "dest_ip",
            "dest_port",
            "community_id",
            "in_iface",
        }
        assert ecs["eve"] == {key: value for key, value in eve.items() if key not in named}
        assert to_eve(eve) is eve


def test_an_alert_and_an_event_without_a_flow() -> None:
    alert = to_ecs({"timestamp": "t", "event_type": "alert", "alert": {"signature": "a scan"}})
    assert alert["event"]["kind"] == "alert"
    assert alert["rule"]["name"] == "a scan"
    assert to_ecs({"timestamp": "t", "event_type": "stats"})["event"]["kind"] == "metric"
