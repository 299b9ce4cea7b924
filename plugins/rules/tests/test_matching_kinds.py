"""What each kind matches and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pywall_rules.app import App
from pywall_rules.fact import Fact
from pywall_rules.flow import FlowStart
from pywall_rules.iface import Iface
from pywall_rules.ip import Ip
from pywall_rules.port import Port
from pywall_rules.protocol import Protocol
from pywall_rules.tcp_state import TcpState

from pywall_core.api import FORWARD, INPUT, NO, OUTPUT, PENDING, YES, Answer, Packet, RuleKind, decode
from pywall_core.testing import icmp_error, ip_packet, make_flow, tcp_packet, udp_packet
from pywall_core.testing.host import FakeHost

V4 = ("192.0.2.1", "198.51.100.2")
V6 = ("2001:db8::1", "2001:db8::2")


def ask(kind: type[RuleKind], parameters: dict[str, Any], packet: Packet, **flow: Any) -> Answer:
    host = FakeHost()
    answer = kind.model_validate(parameters).compile(host)(packet, make_flow(packet, **flow))
    assert isinstance(answer, Answer)
    return answer


def tcp(hosts: tuple[str, str] = V4, sport: int = 40000, dport: int = 443, **at: Any) -> Packet:
    return decode(tcp_packet(hosts[0], sport, hosts[1], dport, seq=1), **at)


@pytest.mark.parametrize("hosts", [V4, V6])
def test_ip_asks_the_packets_own_addresses(hosts: tuple[str, str]) -> None:
    src, dst = hosts
    assert ask(Ip, {"src": src}, tcp(hosts)) is YES
    assert ask(Ip, {"src": dst}, tcp(hosts)) is NO
    assert ask(Ip, {"dst": dst}, tcp(hosts)) is YES
    assert ask(Ip, {"src": src, "dst": src}, tcp(hosts)) is NO
    assert ask(Ip, {"src": [*V4, *V6], "dst": [*V4, *V6]}, tcp(hosts)) is YES


@pytest.mark.parametrize("kind", [Ip, Port, Iface, TcpState])
def test_a_rule_that_asks_nothing_is_refused(kind: type[RuleKind]) -> None:
    with pytest.raises(ValidationError, match=r"missing|exactly one"):
        kind.model_validate({})


@pytest.mark.parametrize("hosts", [V4, V6])
def test_port_needs_protocol_and_both_sides(hosts: tuple[str, str]) -> None:
    assert ask(Port, {"dst": 443}, tcp(hosts)) is YES
    assert ask(Port, {"src": 443}, tcp(hosts)) is NO
    assert ask(Port, {"protocol": "udp", "dst": 443}, tcp(hosts)) is NO
    assert ask(Port, {"protocol": "tcp", "src": "40000-40001", "dst": [80, 443]}, tcp(hosts)) is YES
    assert ask(Port, {"protocol": "tcp", "src": 40001, "dst": 443}, tcp(hosts)) is NO
    datagram = decode(udp_packet(hosts[0], 53, hosts[1], 53))
    assert ask(Port, {"src": 53, "dst": 53}, datagram) is YES


def test_the_identifier_of_an_echo_is_no_port() -> None:
    echo = decode(ip_packet(*V4, 1, bytes([8, 0, 0, 0, 0, 53, 0, 1])))
    assert echo.dport == 53
    assert ask(Port, {"dst": 53}, echo) is NO


def test_protocol_by_name_and_number_and_behind_errors() -> None:
    assert ask(Protocol, {"is": "tcp"}, tcp()) is YES
    assert ask(Protocol, {"is": [1, 6]}, tcp(V6)) is YES
    assert ask(Protocol, {"is": "icmp"}, decode(icmp_error("203.0.113.9", tcp_packet(*_ends(), seq=1)))) is YES
    for wrong in ("tpc", 256, -1, True, [], 1.0):
        with pytest.raises(ValidationError):
            Protocol.model_validate({"is": wrong})


def _ends() -> tuple[str, int, str, int]:
    return V4[0], 40000, V4[1], 443


def test_interfaces_by_pattern_and_absent_ones() -> None:
    packet = tcp(hook=INPUT, indev="eth0")
    assert ask(Iface, {"in": "eth*"}, packet) is YES
    assert ask(Iface, {"in": ["wlan0", "eth1"]}, packet) is NO
    assert ask(Iface, {"in": "ETH0"}, packet) is NO
    assert ask(Iface, {"out": "*"}, packet) is NO
    assert ask(Iface, {"in": "eth0", "out": "wg0"}, tcp(hook=FORWARD, indev="eth0", outdev="wg0")) is YES


def test_who_began_the_flow() -> None:
    assert ask(FlowStart, {"initiator": "local"}, tcp(), initiator="local") is YES
    assert ask(FlowStart, {"initiator": "local"}, tcp(), initiator="remote") is NO


def test_a_flow_by_its_ends_in_both_directions() -> None:
    up, down = tcp(V4, 40000, 4433), tcp(V4[::-1], 4433, 40000)
    began = make_flow(up)

    def answers(**parameters: Any) -> set[Any]:
        match = FlowStart.model_validate(parameters).compile(FakeHost())
        return {match(packet, began) for packet in (up, down)}

    assert answers(client=V4[0], server="198.51.100.0/24", port=4433) == {YES}
    assert answers(server=V4[0]) == answers(client=V4[1]) == answers(port=40000) == {NO}
    assert answers(server=V4[1], port=1) == answers(port="4000-5000", initiator="local") == {NO}


def test_app_waits_for_detection() -> None:
    assert ask(App, {"is": "tls"}, tcp()) is PENDING
    assert ask(App, {"is": ["ssh", "tls"]}, tcp(), app_proto="tls") is YES
    assert ask(App, {"is": "ssh"}, tcp(), app_proto="tls") is NO
    assert App.model_validate({"is": "tls"}).protocols() == ("tls",)


def test_app_waits_for_proof_where_it_is_asked_for() -> None:
    proved = {"is": "tls", "confirmed": True}
    assert ask(App, proved, tcp(), app_proto="tls") is PENDING
    assert ask(App, proved, tcp(), app_proto="tls", confirmed=True) is YES
    assert ask(App, proved, tcp(), app_proto="tls", detect_done=True) is NO
    assert ask(App, proved, tcp(), app_proto="ssh") is NO
    assert ask(App, {"is": "unknown", "confirmed": True}, tcp(), app_proto="unknown", detect_done=True) is YES
    assert ask(App, {"is": "tls", "confirmed": False}, tcp(), app_proto="tls", detect_done=True) is YES


SNI = {"app_proto": "tls", "facts": {"tls.sni": "www.Example.org", "tls.alpn": ["h2", "http/1.1"], "tls.version": 13}}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"name": "tls.sni", "glob": "*.example.org"}, YES),
        ({"name": "tls.sni", "glob": ["*.test", "www.*"]}, YES),
        ({"name": "tls.sni", "glob": "example.org"}, NO),
        ({"name": "tls.sni", "is": "www.Example.org"}, YES),
        ({"name": "tls.sni", "is": "www.example.org"}, NO),
        ({"name": "tls.alpn", "is": "h2"}, YES),
        ({"name": "tls.alpn", "in": ["spdy", "http/1.1"]}, YES),
        ({"name": "tls.version", "is": 13}, YES),
        ({"name": "tls.version", "is": "13"}, NO),
        ({"name": "tls.version", "is": True}, NO),
        ({"name": "tls.sni", "exists": True}, YES),
        ({"name": "tls.sni", "exists": False}, NO),
        ({"name": "tls.ech", "exists": False}, YES),
        ({"name": "tls.ech", "exists": True}, NO),
        ({"name": "app_proto", "is": "tls"}, YES),
    ],
)
def test_facts(parameters: dict[str, Any], expected: Answer) -> None:
    assert ask(Fact, parameters, tcp(), detect_done=True, **SNI) is expected


def test_a_fact_that_may_still_come_is_pending() -> None:
    assert ask(Fact, {"name": "tls.sni", "exists": True}, tcp()) is PENDING
    assert ask(Fact, {"name": "tls.sni", "exists": False}, tcp()) is PENDING


LISTED = """\
################################
# Listingdate,SHA1,Listingreason
2026-01-01 10:00:00,DE:AD:BE:EF:00112233445566778899aabbccddeeff,"Some, botnet"
2026-01-02 10:00:00,"0123456789abcdef0123456789abcdef01234567",Other
"""
SHA1 = {"tls.fingerprint": "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:ab:cd:ef:01:23:45:67"}


@pytest.mark.parametrize("column", [2, "SHA1"])
def test_facts_in_a_column_of_a_file(tmp_path: Path, column: int | str) -> None:
    file = tmp_path / "listed.csv"
    file.write_text(LISTED)
    rule = {"name": "tls.fingerprint", "in": {"file": str(file), "column": column}}
    assert ask(Fact, rule, tcp(), facts=SHA1) is YES
    assert ask(Fact, rule, tcp(), facts={"tls.fingerprint": "01:23"}) is NO
    assert ask(Fact, rule, tcp(), facts={"tls.fingerprint": "Some, botnet"}) is NO


def test_a_file_with_a_header_that_is_no_comment(tmp_path: Path) -> None:
    file = tmp_path / "ja4.csv"
    file.write_text("name,ja4\ncurl,t13d4907h2_0d8feac7bc37_7395dae3b2f3\n")
    rule = {"name": "tls.ja4", "in": {"file": str(file), "column": "ja4"}}
    assert ask(Fact, rule, tcp(), facts={"tls.ja4": "t13d4907h2_0d8feac7bc37_7395dae3b2f3"}) is YES
    assert ask(Fact, rule, tcp(), facts={"tls.ja4": "ja4"}) is NO
    plain = {"name": "tls.ja4", "in": {"file": str(file)}}
    assert ask(Fact, plain, tcp(), facts={"tls.ja4": "curl"}) is YES


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"file": "absent"}, "cannot be read"),
        ({"file": "listed.csv", "column": "MD5"}, "no column 'MD5'; there are 'Listingdate', 'SHA1', 'Listingreason'"),
        ({"file": "listed.csv", "column": 0}, "counted from 1"),
        ({"file": "listed.csv", "colum": 1}, "colum"),
    ],
)
def test_a_wrong_column_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], said: str
) -> None:
    (tmp_path / "listed.csv").write_text(LISTED)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said):
        Fact.model_validate({"name": "tls.ja4", "in": given})


def test_facts_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("a.example # known\nwww.Example.org\n")
    assert ask(Fact, {"name": "tls.sni", "file": str(file)}, tcp(), **SNI) is YES
    with pytest.raises(ValidationError, match="cannot be read"):
        Fact.model_validate({"name": "tls.sni", "file": str(tmp_path / "absent")})


def test_many_globs_on_long_values_are_quick() -> None:
    import time

    begun = time.perf_counter()
    value = "a" * 4000
    assert (
        ask(Fact, {"name": "x.y", "glob": ["*a*a*a*a*b", "*.example"]}, tcp(), facts={"x.y": value}, detect_done=True)
        is NO
    )
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("hook", "to_server", "state"),
    [
        (INPUT, True, "at server"),
        (INPUT, False, "at client"),
        (OUTPUT, True, "at client"),
        (OUTPUT, False, "at server"),
        (FORWARD, True, "at server"),
        (FORWARD, False, "at server"),
    ],
)
def test_tcp_state_is_that_of_the_local_end(hook: int, to_server: bool, state: str) -> None:
    packet = tcp(hook=hook)
    packet.to_server = to_server
    states = {"client_state": "FIN_WAIT_1", "server_state": "FIN_WAIT_1"}
    states["server_state" if state == "at server" else "client_state"] = "CLOSE_WAIT2"
    assert ask(TcpState, {"is": "CLOSE-WAIT"}, packet, **states) is YES
    assert ask(TcpState, {"not": "CLOSE_WAIT"}, packet, **states) is NO
    assert ask(TcpState, {"is": ["FIN-WAIT-1"]}, packet, **states) is NO


def test_tcp_state_says_nothing_about_other_protocols() -> None:
    datagram = decode(udp_packet(*_ends()))
    assert ask(TcpState, {"is": "CLOSED"}, datagram) is NO
    assert ask(TcpState, {"not": "CLOSED"}, datagram) is NO


def test_rules_about_opening_are_done_with_an_established_connection() -> None:
    opening = TcpState.model_validate({"is": ["CLOSED", "SYN-RECEIVED"]})
    later = TcpState.model_validate({"not": "ESTABLISHED"})
    begun = make_flow(tcp(), client_state="SYN_SENT1", server_state="SYN_RCVD1")
    open_ = make_flow(tcp(), client_state="ESTABLISHED", server_state="ESTABLISHED")
    assert opening.concerns(begun)
    assert later.concerns(begun)
    assert not opening.concerns(open_)
    assert later.concerns(open_)


def test_unknown_state_is_refused() -> None:
    with pytest.raises(ValidationError, match="'CLOSE' is not a TCP state"):
        TcpState.model_validate({"is": "CLOSE"})
