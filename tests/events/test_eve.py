"""EVE events carry the fields that others build on, whatever the packets hold."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACK, DROP, INPUT, NO, SYN, Answer, Drop, Flow, Match, Packet, Verdict, decode, hookimpl
from pywall_core.events.community import community_id
from pywall_core.events.eve import EventBuilder
from pywall_core.events.fields import own_facts, to_line
from pywall_core.testing import conversation, engine, icmp_error, ip_packet, make_flow, tcp_packet, udp_packet

START = 1_700_000_000.0
BUILDER = EventBuilder(live=False, pcap_filename="some/name.pcap")


def echo(kind: int, ident: int = 7) -> bytes:
    ends = ("192.0.2.1", "198.51.100.2") if kind == 8 else ("198.51.100.2", "192.0.2.1")
    return ip_packet(*ends, 1, pack("!BBHHH", kind, 0, 0, ident, 1))


def test_flow_event_of_a_tcp_dialogue() -> None:
    lab = engine({}, plugins={})
    lab.send(conversation(start=START).client(b"x" * 100).server(b"y" * 10).close())
    (event,) = lab.close()
    flow_id = event.pop("flow_id")
    assert 0 < flow_id < 2**53
    assert event == {
        "timestamp": "2023-11-14T22:13:20.008000+0000",
        "event_type": "flow",
        "src_ip": "192.0.2.1",
        "src_port": 40000,
        "dest_ip": "198.51.100.2",
        "dest_port": 443,
        "proto": "TCP",
        "community_id": community_id(6, bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2]), 40000, 443),
        "app_proto": "none",
        "flow": {
            "pkts_toserver": 5,
            "pkts_toclient": 3,
            "bytes_toserver": 5 * 40 + 100,
            "bytes_toclient": 3 * 40 + 10,
            "start": "2023-11-14T22:13:20.001000+0000",
            "end": "2023-11-14T22:13:20.008000+0000",
            "age": 0,
            "state": event["flow"]["state"],
            "reason": "shutdown",
        },
        "verdict": {"action": "accept"},
        "pywall": event["pywall"],
    }
    assert event["flow"]["state"] in ("new", "established", "closed")
    assert list(event["pywall"]) == ["rule", "rule_name", "rule_at", "plugin", "chain", "reason", "final"]


def test_source_is_the_side_that_sent_the_first_packet() -> None:
    """A capture that begins with the SYN/ACK: the client is the other side, but src is who was seen first."""
    lab = engine({}, plugins={})
    server = ("198.51.100.2", 443, "192.0.2.1", 40000)
    lab.send([tcp_packet(*server, seq=1, ack=1, flags=SYN | ACK)])
    lab.send([tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, ack=2, data=b"abc")] * 2)
    (flow,) = lab.flows
    assert flow.reversed
    (event,) = lab.close()
    assert (event["src_ip"], event["src_port"], event["dest_port"]) == ("198.51.100.2", 443, 40000)
    counts = event["flow"]
    assert [counts[k] for k in ("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient")] == [1, 2, 40, 86]


def test_flow_without_ports_and_icmp() -> None:
    lab = engine({}, plugins={})
    lab.send([ip_packet("192.0.2.1", "198.51.100.2", 50, b"esp" * 9), echo(8), echo(0)])
    esp, ping = lab.close()
    assert esp["proto"] == "ESP"
    assert "src_port" not in esp
    assert (ping["proto"], ping["icmp_type"], ping["icmp_code"]) == ("ICMP", 8, 0)
    assert ping["flow"]["pkts_toclient"] == 1
    assert "src_port" not in ping
    assert ping["app_proto"] == "icmp"


def test_icmp_error_counts_for_the_flow_that_it_quotes() -> None:
    lab = engine({}, plugins={})
    asked = udp_packet("192.0.2.1", 1000, "198.51.100.2", 53, b"?")
    lab.send([asked, icmp_error("198.51.100.2", asked)])
    (event,) = lab.close()
    assert (event["proto"], event["app_proto"], event["flow"]["pkts_toclient"]) == ("UDP", "unknown", 1)


def test_facts_stand_under_their_protocol() -> None:
    facts = {
        "ssh.client": "both a value",
        "ssh.client.software_version": "and a parent",
        "ssh.server.hassh.hash": "ab",
        "ssh.n": [1, "\x1b[2J", b"\0\xff"],
        "tls.sni": "not ours",
        "payload.class": "encrypted",
    }
    flow = make_flow(app_proto="ssh", facts=facts)
    assert BUILDER.has_type("ssh", flow)
    assert not BUILDER.has_type("ss", flow)
    event = BUILDER.build("ssh", flow, None, {}, START)
    assert event["ssh"] == {
        "client": "both a value",
        "client.software_version": "and a parent",
        "server": {"hassh": {"hash": "ab"}},
        "n": [1, "\N{REPLACEMENT CHARACTER}[2J", "00ff"],
    }
    assert "tls" not in event
    whole = BUILDER.build("flow", flow, None, {}, START)
    assert (whole["pywall"]["payload"], whole["pywall"]["tls"]) == ({"class": "encrypted"}, {"sni": "not ours"})
    assert own_facts(whole) == {"payload.class": "encrypted", "tls.sni": "not ours"}
    flow.detection.app_proto, flow.detection.app_proto_orig = "tls", "ssh"
    both = BUILDER.build("tls", flow, None, {}, START)
    assert (both["app_proto_orig"], both["tls"], "ssh" in both) == ("ssh", {"sni": "not ours"}, True)


class Veto:
    """Objects to packets that carry this."""

    @staticmethod
    @hookimpl
    def pywall_packet(packet: Packet, flow: Flow) -> Drop | None:
        return Drop("veto.bad") if b"bad" in packet.payload else None


def test_drop_and_anomaly_events_tell_the_packet() -> None:
    lab = engine({"chains": {"INPUT": []}, "default": "DROP"}, plugins={})
    talk = conversation(start=START).client(b"bad")
    lab.send(talk)
    (drop,) = lab.of_type("drop")
    assert drop["drop"] == {
        "len": 40, "ttl": 64, "tcpseq": 1000, "tcpack": 0, "tcpwin": 65535,
        "syn": True, "ack": False, "psh": False, "rst": False, "urg": False, "fin": False, "reason": "end of chain",
    }  # fmt: skip
    assert drop["verdict"] == {"action": "drop"}
    assert (drop["pcap_cnt"], drop["direction"], drop["src_ip"]) == (1, "to_server", "192.0.2.1")
    assert (drop["pywall"]["rule"], drop["pywall"]["chain"]) == ("default", "INPUT")


def test_anomaly_event() -> None:
    lab = engine({}, plugins={"veto": Veto()})
    lab.send([udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"bad"), b"\x45"])
    assert [event["anomaly"]["event"] for event in lab.of_type("anomaly")] == ["veto.bad", "ipv4.short"]


class Names:
    """Names every flow."""

    protocols = ("toy",)
    transport = "udp"

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("toy", self.facts) if client else NO


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.recursive(
            st.one_of(
                st.text(max_size=400), st.integers(), st.floats(), st.binary(max_size=300), st.none(), st.booleans()
            ),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_whatever_facts_hold_the_event_is_one_printable_line(facts: dict[str, Any]) -> None:
    lab = engine({}, plugins={"names": Names(facts)})
    lab.send(conversation("udp", start=START).client(b"x"))
    lab.close()
    for event in lab.events:
        line = to_line(event)
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON")) is not None


def test_live_times_become_wall_clock_times() -> None:
    packet = decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2), time.monotonic(), INPUT, "eth7")
    event = EventBuilder(live=True).build("drop", None, packet, {"verdict": Verdict(DROP)}, 0.0)
    stamp = datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert abs((stamp - datetime.now(UTC)).total_seconds()) < 5
    assert event["in_iface"] == "eth7"
    assert "pcap_cnt" not in event


@pytest.mark.parametrize("seconds", [-1e18, -1.0, 0.0, 1e11, 1e300])
def test_no_time_in_a_capture_is_too_far_out(seconds: float) -> None:
    event = BUILDER.build("stats", None, None, {"stats": {"packets": 1}}, seconds)
    assert event["timestamp"].endswith("+0000")
    assert (event["pcap_filename"], event["stats"]) == ("some/name.pcap", {"packets": 1})


def test_time_stamps_of_the_same_and_of_another_second() -> None:
    times = [START, START + 0.25, START + 1, START, START + 86_400.999_999]
    written = [BUILDER.build("test", None, None, {}, now)["timestamp"] for now in times]
    assert written == [datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000") for t in times]
