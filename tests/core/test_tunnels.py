"""What a packet carries is a packet too: its flow, its verdict, its events; and what nobody gets by means of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.api import ACCEPT, DROP, Packet, decode
from pywall_core.flows.handover import describe, read
from pywall_core.model.verdict import Cause
from pywall_core.packet.flow_key import reverse_key
from pywall_core.packet.tunnels import MAX_DEPTH, inner_packet
from pywall_core.testing import InMemory, conversation, engine, ip_packet, replay, tcp_packet, udp_packet
from pywall_core.testing.packets import fragment, icmp_error

FORWARD = 2
HERE, THERE = "203.0.113.1", "203.0.113.2"
HERE6, THERE6 = "2001:db8:f::1", "2001:db8:f::2"
TEREDO6 = "2001::1"
Wrap = Callable[[bytes, bool], bytes]


def by_number(proto: int, head: bytes = b"", *, outer6: bool = False) -> Wrap:
    ends = (HERE6, THERE6) if outer6 else (HERE, THERE)
    return lambda inner, there: ip_packet(*(ends if there else ends[::-1]), proto, head + inner)


def in_udp(port: int, head: bytes, *, sport: int = 50_000, answers_to: int | None = None) -> Wrap:
    """VXLAN and Geneve send both ways to the same port; Teredo answers to the port that asked."""

    def wrap(inner: bytes, there: bool) -> bytes:
        if there:
            return udp_packet(HERE, sport, THERE, port, head + inner)
        back = port if answers_to is None else answers_to
        return udp_packet(THERE, port if answers_to is not None else sport, HERE, back, head + inner)

    return wrap


def ethernet(kind: int = 0x0800, tags: bytes = b"") -> bytes:
    return bytes(12) + tags + pack("!H", kind)


NO_CIPHERTEXT = (files("pywall_core") / "policies" / "block-unknown-encrypted.yaml").read_text()
VXLAN = pack("!II", 8 << 24, 7 << 8) + ethernet()
WRAPS: dict[str, Wrap] = {
    "ipip": by_number(4),
    "ipv4 in ipv6": by_number(4, outer6=True),
    "gre": by_number(47, pack("!HH", 0, 0x0800)),
    "gre in ipv6": by_number(47, pack("!HH", 0, 0x0800), outer6=True),
    "gre with checksum, key and number": by_number(47, pack("!HHIII", 0xB000, 0x0800, 0, 5, 1)),
    "gretap": by_number(47, pack("!HH", 0, 0x6558) + ethernet()),
    "etherip": by_number(97, b"\x30\0" + ethernet()),
    "vxlan": in_udp(4789, VXLAN),
    "vxlan of old": in_udp(8472, VXLAN),
    "vxlan at another port": in_udp(5000, VXLAN),
    "vxlan with vlan tags": in_udp(4789, VXLAN[:8] + ethernet(tags=pack("!HHHH", 0x88A8, 1, 0x8100, 2))),
    "geneve": in_udp(6081, pack("!BBHI", 0, 0, 0x6558, 7 << 8) + ethernet()),
    "geneve with options": in_udp(6081, pack("!BBHIII", 2, 0, 0x6558, 7 << 8, 0, 0) + ethernet()),
}
INSIDE6: dict[str, Wrap] = {
    "6in4": by_number(41),
    "ipv6 in ipv6": by_number(41, outer6=True),
    "gre": by_number(47, pack("!HH", 0, 0x86DD)),
    "vxlan": in_udp(4789, VXLAN[:8] + ethernet(0x86DD)),
    "teredo": in_udp(3544, b"", answers_to=50_000),
    "teredo with origin": in_udp(3544, b"\0\0" + bytes(6), answers_to=50_000),
    "teredo with authentication": in_udp(3544, b"\0\1\0\0" + bytes(9) + b"\0\0" + bytes(6), answers_to=50_000),
    "teredo at another port": in_udp(5000, b"", answers_to=50_000),
}
TUNNELS = pytest.mark.parametrize("kind", WRAPS)
POLICY: dict[str, Any] = {
    "version": 1,
    "plugins": ["rules", "stream", "protocols"],
    "detection": {"tunnels": True},
    "default": "ACCEPT",
}


def lab(*rules: dict[str, Any], live: bool = False, **more: Any) -> InMemory:
    """An engine; without detectors, which take long to load, where no rule needs them."""
    named = any("app" in str(rule) or "expected" in str(rule) for rule in rules)
    plugins = POLICY["plugins"] if named else POLICY["plugins"][:2]
    return engine({**POLICY, "plugins": plugins, "chains": {"FORWARD": list(rules)}, **more}, live=live)


def drop(**condition: Any) -> dict[str, Any]:
    return {**condition, "action": "DROP"}


NO_SSH_PORT = drop(rule="port", dst=22)
NO_SSH = drop(rule="app", **{"is": "ssh"})


def forwarded(raw: bytes, at: float = 1.0) -> Packet:
    return decode(raw, at, FORWARD)


def carried(wrap: Wrap, talk: Any) -> list[Packet]:
    """The packets of a conversation, each in a tunnel's packet."""
    return [forwarded(wrap(packet.data, packet.to_server), packet.time) for packet in sides(talk)]


def sides(talk: Any) -> list[Packet]:
    packets = list(talk)
    for packet in packets:
        packet.to_server = packet.sport == talk.client_address[1]
    return packets


def actions(at_work: InMemory, packets: list[Packet]) -> list[Any]:
    return [verdict.action for verdict in at_work.send(packets)]


def ssh(six: bool = False) -> Any:
    ends = ((TEREDO6, 40_000), ("2001:db8::2", 2222)) if six else (("10.0.0.1", 40_000), ("10.0.0.2", 2222))
    talk = conversation(client=ends[0], server=ends[1])
    return talk.client(b"SSH-2.0-OpenSSH_9.2\r\n").server(b"SSH-2.0-OpenSSH_9.2\r\n").client(b"x" * 40)


def syn(port: int, src: str = "10.0.0.1") -> bytes:
    return tcp_packet(src, 40_000, "10.0.0.2", port, seq=1, flags=2)


@TUNNELS
def test_a_port_inside_is_inspected(kind: str) -> None:
    at_work = lab(NO_SSH_PORT)
    verdicts = at_work.send([forwarded(WRAPS[kind](syn(port), True)) for port in (22, 80)])
    assert [verdict.action for verdict in verdicts] == [DROP, ACCEPT]
    assert (verdicts[0].rule, verdicts[0].final) == ("FORWARD[0]", False)
    event = at_work.of_type("drop")[0]
    assert (event["src_ip"], event["dest_port"]) == ("10.0.0.1", 22)
    assert event["tunnel"]["src_ip"] in (HERE, HERE6)
    assert event["tunnel"]["depth"] == 1
    assert sum(at_work.engine.verdicts.values()) == 2, "one verdict a packet of the wire"


@pytest.mark.parametrize("kind", WRAPS)
def test_content_inside_is_inspected(kind: str) -> None:
    at_work = lab(NO_SSH)
    assert actions(at_work, carried(WRAPS[kind], ssh())) == [ACCEPT] * 3 + [DROP] * 3
    assert "ssh" in {flow.app_proto for flow in at_work.flows}


@pytest.mark.parametrize("kind", INSIDE6)
def test_content_in_ipv6_inside_is_inspected(kind: str) -> None:
    at_work = lab(NO_SSH)
    assert actions(at_work, carried(INSIDE6[kind], ssh(six=True))) == [ACCEPT] * 3 + [DROP] * 3


@TUNNELS
def test_what_nothing_forbids_passes_and_has_its_name(kind: str) -> None:
    at_work = lab(drop(rule="app", **{"is": "tls"}))
    verdicts = at_work.send(carried(WRAPS[kind], ssh().server(b"y" * 40).close()))
    assert {verdict.action for verdict in verdicts} == {ACCEPT}
    events = [event for event in at_work.close() if "tunnel" in event]
    assert [(event["app_proto"], event["proto"]) for event in events] == [("ssh", "TCP")]


def test_without_the_option_a_tunnel_is_one_flow() -> None:
    at_work = lab(NO_SSH, NO_SSH_PORT, detection={"tunnels": False})
    assert {verdict.action for verdict in at_work.send(carried(WRAPS["ipip"], ssh()))} == {ACCEPT}
    assert at_work.send([forwarded(WRAPS["gre"](syn(22), True))])[0].action is ACCEPT
    assert {flow.proto for flow in at_work.flows} == {4, 47}


@TUNNELS
def test_the_packet_around_must_be_accepted_too(kind: str) -> None:
    at_work = lab(drop(rule="ip", dst=[THERE, THERE6]))
    verdict = at_work.send([forwarded(WRAPS[kind](syn(80), True))])[0]
    assert (verdict.action, verdict.final) == (DROP, True)
    assert len(at_work.flows) == 1, "what is dropped carries nothing"


@TUNNELS
def test_the_kernel_carries_no_tunnel(kind: str) -> None:
    """Its first packet may carry no IP (ARP in an Ethernet frame) and be accepted for good."""
    at_work = lab(NO_SSH_PORT, live=True)
    first = [udp_packet(HERE, 50_000, THERE, 4789, VXLAN[:8] + ethernet(0x0806) + bytes(28))] if kind == "vxlan" else []
    for raw in [*first, WRAPS[kind](syn(80), True)]:
        packet = forwarded(raw)
        verdict = at_work.engine.process(packet)
        assert verdict.action is ACCEPT
        assert at_work.engine.offloadable(packet, verdict) == 0
    assert at_work.send([forwarded(WRAPS[kind](syn(22), True))])[0].action is DROP


def nested(depth: int, inner: bytes) -> bytes:
    for number in range(depth):
        inner = ip_packet(f"203.0.113.{10 + number}", f"203.0.113.{50 + number}", 4, inner)
    return inner


def test_tunnels_in_tunnels_are_followed_to_a_bound() -> None:
    at_work = lab(NO_SSH_PORT)
    for depth in range(1, MAX_DEPTH + 1):
        assert at_work.send([forwarded(nested(depth, syn(22)))])[0].action is DROP
        assert at_work.send([forwarded(nested(depth, syn(80)))])[0].action is ACCEPT
    too_deep = at_work.send([forwarded(nested(MAX_DEPTH + 1, syn(80)))])[0]
    assert (too_deep.action, too_deep.cause) == (DROP, Cause.UNDECODABLE)
    assert at_work.engine.counters["decoder.tunnel.depth"] == 1
    assert {flow.tunnel.depth for flow in at_work.flows if flow.tunnel is not None} == set(range(1, MAX_DEPTH + 1))


@TUNNELS
def test_what_does_not_decode_inside_is_undecodable(kind: str) -> None:
    verdict = lab().send([forwarded(WRAPS[kind](b"\x45\0\0\x10" + bytes(40), True))])[0]
    declared = kind != "vxlan at another port"
    assert (verdict.action, verdict.cause) == ((DROP, Cause.UNDECODABLE) if declared else (ACCEPT, Cause.RULE))


@pytest.mark.parametrize("name", ["ipip", "vxlan"])
@pytest.mark.parametrize("inside", [False, True])
def test_fragments_of_the_tunnel_and_in_the_tunnel(name: str, inside: bool) -> None:
    wrap, talk = WRAPS[name], ssh()
    banner = sides(talk)[4].data  # the server's: it makes the name
    at_work = lab(NO_SSH)
    at_work.send(carried(wrap, talk)[:4])
    raws = [wrap(piece, False) for piece in fragment(banner, 24)] if inside else fragment(wrap(banner, False), 24)
    assert actions(at_work, [forwarded(raw) for raw in raws]) == [ACCEPT] * (len(raws) - 1) + [DROP]


def test_fragments_of_different_tunnels_do_not_mix() -> None:
    pieces = fragment(udp_packet("10.0.0.1", 1, "10.0.0.2", 2, bytes(60)), 32)
    first, second = WRAPS["ipip"](pieces[0], True), WRAPS["vxlan"](pieces[1], True)
    at_work = lab()
    at_work.send([forwarded(first), forwarded(second), forwarded(pieces[2] if len(pieces) > 2 else pieces[1])])
    assert at_work.engine.fragments.stats()["datagrams"] == 3


def test_equal_addresses_in_two_tunnels_are_two_flows() -> None:
    at_work = lab()
    other = by_number(47, pack("!HHI", 0x2000, 0x0800, 9))
    for wrap in (WRAPS["ipip"], WRAPS["gre"], other, lambda inner, there: inner):
        at_work.send([forwarded(wrap(syn(80), True)), forwarded(wrap(syn(80), True))])
    inner = [flow for flow in at_work.flows if flow.proto == 6]
    assert [flow.pkts_toserver for flow in inner] == [2, 2, 2, 2]
    assert len({flow.key for flow in inner}) == 4


def test_an_icmp_error_inside_belongs_to_the_flow_inside() -> None:
    at_work, wrap = lab(), WRAPS["gre"]
    at_work.send([forwarded(wrap(syn(80), True)), forwarded(wrap(icmp_error("10.0.0.9", syn(80)), False))])
    assert sorted(flow.proto for flow in at_work.flows) == [6, 47]
    stray = at_work.send([forwarded(wrap(icmp_error("10.0.0.9", syn(81)), False))])
    assert stray[0].action is ACCEPT
    assert sorted(flow.proto for flow in at_work.flows) == [1, 6, 47]


def test_a_datagram_that_only_resembles_a_tunnel_is_none() -> None:
    at_work = lab(NO_SSH_PORT)
    cut = VXLAN + syn(22)[:-1]
    teredo = tcp_packet("2001:db8::1", 1, "2001:db8::2", 22, seq=1, flags=2)
    raws = [udp_packet(HERE, 50_000, THERE, 5000, data) for data in (cut, b"\x08\0\0\1" + cut[4:], teredo)]
    assert {verdict.action for verdict in at_work.send(map(forwarded, raws))} == {ACCEPT}
    assert {flow.proto for flow in at_work.flows} == {17}


def test_a_rewritten_packet_inside_goes_on_in_its_tunnel() -> None:
    """Where rules ask content, Multipath TCP is taken out of handshakes: also of those in a tunnel."""
    mptcp = bytes([30, 12, 0x01, 0x81]) + bytes(8)
    first = tcp_packet("10.0.0.1", 40_000, "10.0.0.2", 22, seq=1, flags=2, options=mptcp)
    for name, head in (("ipip", 20), ("vxlan", 20 + 8 + 8 + 14)):
        at_work = lab(NO_SSH)
        packet = forwarded(WRAPS[name](first, True))
        assert at_work.engine.process(packet).action is ACCEPT
        assert packet.rewritten is not None
        assert len(packet.rewritten) == len(packet.data)
        assert b"\x1e\x0c" not in packet.rewritten[head:]
        assert decode(packet.rewritten[head:], 1.0, FORWARD).error is None
        if name == "vxlan":
            assert packet.rewritten[26:28] == b"\0\0"
    summed = lab(NO_SSH).send([forwarded(WRAPS["gre with checksum, key and number"](first, True))])[0]
    assert (summed.action, summed.reason) == (DROP, "tunnel.rewritten")


def test_who_sends_a_tunnels_packets_bans_and_opens_nobody() -> None:
    banned: dict[str, Any] = {"sets": {"banned": {"type": "addresses"}}}
    add = {"rule": "port", "dst": 23, "action": "DROP", "add": {"set": "banned", "key": "src"}}
    at_work = lab(add, **banned)
    assert at_work.send([forwarded(WRAPS["ipip"](syn(23), True))])[0].action is DROP
    assert len(at_work.engine.sets["banned"]) == 0
    at_work.send([forwarded(syn(23))])
    assert len(at_work.engine.sets["banned"]) == 1

    doors = {"rule": "knock", "port": 22, "doors": ["7000/tcp"], "action": "ACCEPT"}
    for wrap, opened in ((WRAPS["ipip"], False), (lambda inner, there: inner, True)):
        at_work = lab(doors, NO_SSH_PORT)
        at_work.send([forwarded(wrap(syn(7000), True)), forwarded(syn(22))])
        assert (at_work.verdicts[-1].action is ACCEPT) == opened


def test_what_a_session_inside_announces_counts_inside_alone() -> None:
    def talk() -> Any:
        session = conversation(client=("10.0.0.1", 40_000), server=("10.0.0.2", 21))
        session = session.server(b"220 ready\r\n").client(b"USER a\r\n").server(b"331 password\r\n")
        session = session.client(b"PASS b\r\n").server(b"230 in\r\n").client(b"PASV\r\n")
        return session.server(b"227 Entering Passive Mode (10,0,0,2,20,0)\r\n").ack()

    data = syn(20 << 8)
    rules = [
        {"rule": "flow", "expected": "ftp-data", "action": "ACCEPT"},
        {"rule": "port", "dst": 20 << 8, "action": "DROP"},
    ]
    for wrap, opened in ((WRAPS["gre"], False), (lambda inner, there: inner, True)):
        at_work = lab(*rules)
        at_work.send(carried(wrap, talk()))
        assert (at_work.send([forwarded(data, 1_700_000_001.0)])[0].action is ACCEPT) == opened
        if not opened:
            assert at_work.send([forwarded(wrap(data, True), 1_700_000_001.0)])[0].action is ACCEPT


def test_flows_inside_are_handed_over() -> None:
    at_work, six = lab(), "2001:db8::2"
    at_work.send([forwarded(WRAPS["ipip"](syn(80), True))])
    at_work.send([forwarded(by_number(41)(tcp_packet("2001:db8::1", 1, six, 80, seq=1, flags=2), True))])
    for flow in at_work.flows:
        known = read(describe(flow))
        assert known is not None
        assert known.key == flow.key


KEYS = st.sampled_from([13, 21, 37, 45]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(KEYS)
def test_a_key_turned_twice_is_itself(key: bytes) -> None:
    turned = reverse_key(key)
    assert reverse_key(turned) == key
    assert turned[:1] == key[:1]
    assert len(key) in (13, 37) or turned[-8:] == key[-8:]


SHARED = lab(NO_SSH_PORT, live=True)


@given(st.sampled_from(sorted(WRAPS)), st.binary(max_size=120), st.booleans())
def test_any_bytes_inside_have_a_verdict(kind: str, inner: bytes, cut: bool) -> None:
    raw = WRAPS[kind](inner, True)
    errors = SHARED.engine.failures.by_plugin
    assert SHARED.send([forwarded(raw[:-1] if cut else raw)])[0].action in (ACCEPT, DROP)
    assert not errors


@given(st.binary(max_size=200), st.sampled_from([4, 17, 41, 47, 97]))
def test_no_packet_raises(payload: bytes, proto: int) -> None:
    for port in (4789, 6081, 3544, 5000):
        head = pack("!HHHH", port, port, 8 + len(payload), 0) if proto == 17 else b""
        inner_packet(forwarded(ip_packet(HERE, THERE, proto, head + payload)))


@pytest.mark.captures
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("zeek/tunnels__vxlan-encapsulated-http.pcap", "http"),
        ("suricata-verify/decode-teredo-01.pcap", None),
        ("zeek/tunnels__geneve.pcap", None),
        ("ndpi/vxlan.pcap", None),
    ],
)
def test_real_tunnels(name: str, found: str | None) -> None:
    capture = Path(os.environ.get("PYWALL_CAPTURES", ""), name)
    if not capture.is_file():
        pytest.skip("PYWALL_CAPTURES does not name a folder with it")
    events = replay(capture, {**POLICY, "chains": {}}).of_type("flow")
    inside = [event for event in events if "tunnel" in event]
    assert inside
    assert found is None or found in {event["app_proto"] for event in inside}


@pytest.mark.parametrize("kind", ["gre", "vxlan", "geneve"])
@pytest.mark.parametrize("named", [True, False])
def test_what_is_encrypted_inside_is_judged_inside(kind: str, named: bool) -> None:
    """A download is ciphertext from outside; inside, only what has no name is dropped."""
    noise = Random(kind)
    talk = conversation(client=("10.0.0.1", 40_000), server=("10.0.0.2", 2222))
    if named:
        talk = talk.client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        talk = talk.server(b"HTTP/1.1 200 OK\r\nContent-Length: 36000\r\n\r\n")
    for _ in range(40):
        talk = talk.server(noise.randbytes(900))
    verdicts = actions(engine(NO_CIPHERTEXT), carried(WRAPS[kind], talk))
    assert (DROP in verdicts) is not named


def test_what_opens_as_no_packet_is_judged_as_it_is() -> None:
    at_work = engine(NO_CIPHERTEXT)
    noise = Random(5)
    assert actions(at_work, carried(WRAPS["vxlan"], ssh())) == [ACCEPT] * 6
    sent = [forwarded(udp_packet(HERE, 50_000, THERE, 4789, noise.randbytes(900))) for _ in range(20)]
    assert DROP in actions(at_work, sent)
