"""The in-memory engine of the test kit is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.api import ACCEPT, DROP, MORE, NO, Answer, Flow, Match, hookimpl
from pywall_core.config import ConfigError
from pywall_core.testing import conversation, engine, replay, udp_packet


class Ask:
    """Detects datagrams that ask."""

    transport = "udp"
    protocols = ("ask",)

    @staticmethod
    @hookimpl
    def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client:
            return MORE
        return Match("ask", {"what": client[1:].decode("latin-1")}) if client[:1] == b"?" else NO


CONFIG = {"chains": {"INPUT": []}, "default": {"INPUT": "DROP"}}


def test_verdicts_events_and_flows() -> None:
    lab = engine(CONFIG, plugins={"ask": Ask()})
    talk = conversation("udp", server=("198.51.100.2", 53)).client(b"?name").server(b"!")
    assert [verdict.action for verdict in lab.send(talk)] == [DROP, DROP]
    (flow,) = lab.flows
    assert flow.app_proto == "ask"
    (event,) = lab.close()
    assert (event["src_port"], event["dest_port"], event["app_proto"]) == (40000, 53, "ask")
    assert event["verdict"] == {"action": "drop"}
    assert [event["ask"] for event in lab.of_type("ask")] == [{"what": "name"}]


def test_bytes_are_packets() -> None:
    lab = engine({"default": "ACCEPT"}, plugins={})
    (verdict,) = lab.send([udp_packet("192.0.2.1", 1, "192.0.2.2", 2)])
    assert verdict.action is ACCEPT
    assert lab.verdicts == [verdict]


def test_capture_as_the_command_replays_it(tmp_path: Path) -> None:
    talk = conversation("udp", server=("198.51.100.2", 53)).client(b"?name").server(b"!")
    path = talk.pcap(tmp_path / "a.pcap")
    lab = replay(path, CONFIG, plugins={"ask": Ask()})
    assert [verdict.action for verdict in lab.verdicts] == [DROP, DROP]
    assert lab.events[-1]["stats"]["frames"] == 2
    turned = replay(path, CONFIG, plugins={"ask": Ask()}, local=["192.0.2.0/24"])
    assert [verdict.action for verdict in turned.verdicts] == [ACCEPT, DROP], "the client's packets leave by OUTPUT"
    forward = replay(path, CONFIG, plugins={"ask": Ask()}, hook="FORWARD")
    assert [verdict.action for verdict in forward.verdicts] == [ACCEPT, ACCEPT]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off in packet 2"):
        replay(path, CONFIG, plugins={"ask": Ask()})


def test_wrong_configuration_is_refused_as_by_check() -> None:
    with pytest.raises(ConfigError, match="unknown rule"):
        engine({"chains": {"INPUT": [{"rule": "no-such", "action": "DROP"}]}}, plugins={})
