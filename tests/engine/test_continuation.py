"""What is known of live flows survives another process: names, facts, who began, what rules keep."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from pywall_core.flows.packing import pack, unpack
from pywall_core.packet.decode import decode
from pywall_core.testing import InMemory, conversation, engine, tcp_packet

pytest.importorskip("pywall_rules")
pytest.importorskip("pywall_protocols")
ALLOW = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: flow, initiator: local, action: ACCEPT}
    - {rule: app, is: [ssh, http, dns], confirmed: true, action: ACCEPT}
  OUTPUT:
    - {rule: flow, initiator: remote, action: ACCEPT}
    - {rule: app, is: [ssh, http, dns], confirmed: true, action: ACCEPT}
default: DROP
"""
NAMES = [b"curve25519-sha256", b"ssh-ed25519", *[b"aes128-ctr"] * 2, *[b"hmac-sha2-256"] * 2, *[b"none"] * 2, b"", b""]
BODY = b"\x14" + bytes(range(16)) + b"".join(len(name).to_bytes(4, "big") + name for name in NAMES) + bytes(5)
PADDING = 4 + -(len(BODY) + 9) % 8
KEXINIT = (len(BODY) + PADDING + 1).to_bytes(4, "big") + bytes([PADDING]) + BODY + bytes(PADDING)
SSH = (
    conversation(server=("198.51.100.2", 22))
    .client(b"SSH-2.0-OpenSSH_9.6\r\n")
    .server(b"SSH-2.0-OpenSSH_9.6\r\n")
    .ack()
)
NOISE = Random(1).randbytes(20_000)
LATER = SSH.client(KEXINIT).server(KEXINIT)
for at in range(0, len(NOISE), 1000):
    LATER = LATER.client(NOISE[at : at + 500]).server(NOISE[at + 500 : at + 1000])
LATER = LATER.ack()


def successor(lab: InMemory, policy: str = ALLOW) -> InMemory:
    """An engine of another process that was told what ``lab`` knows."""
    after = engine(policy)
    for text in pack(lab.engine.continuation.describe_flows()):
        after.engine.continuation.inherit(unpack(text))
    after.engine.kept_state.load(json.loads(json.dumps(lab.engine.kept_state.save())))
    return after


def rest(whole: Any, begun: Any, **hooks: int) -> list[Any]:
    return list(whole.packets(**hooks)[len(begun.packets()) :])


def test_an_accepted_session_goes_on_and_keeps_its_name() -> None:
    lab = engine(ALLOW)
    assert {verdict.action for verdict in lab.send(SSH)} == {"accept"}
    assert engine(ALLOW).send(rest(LATER, SSH)[2:])[-1].action == "drop", "by itself it is nothing that anybody knows"
    after = successor(lab)
    assert {verdict.action for verdict in after.send(rest(LATER, SSH))} == {"accept"}
    (flow,) = after.flows
    assert (flow.app_proto, flow.confirmed, flow.inherited, flow.older) == ("ssh", True, True, False)
    assert flow.facts["ssh.client.software_version"] == "OpenSSH_9.6"


def test_it_outlives_several_processes_without_a_packet() -> None:
    lab = engine(ALLOW)
    lab.send(SSH)
    for _ in range(5):
        lab = successor(lab)
    assert {verdict.action for verdict in lab.send(rest(LATER, SSH))} == {"accept"}


def test_a_policy_that_forbids_it_drops_its_next_packet() -> None:
    lab = engine(ALLOW)
    lab.send(SSH)
    after = successor(lab, ALLOW.replace("ssh, ", ""))
    assert after.send(rest(LATER, SSH)[:1])[0].action == "drop"


@pytest.mark.parametrize("first", [0, 1], ids=["client", "server"])
def test_who_began_stays_who_began(first: int) -> None:
    """Whoever speaks first after the hand-over."""
    lab = engine(ALLOW)
    lab.send(SSH.packets(client_hook=1, server_hook=3))
    after = successor(lab)
    after.send(rest(LATER, SSH)[first : first + 1])
    (flow,) = after.flows
    assert (flow.initiator, flow.dport, flow.key) == ("remote", 22, lab.flows[0].key)


def test_detection_goes_on_where_it_was() -> None:
    http = conversation().client(b"GET / HT").ack()
    lab = engine(ALLOW)
    lab.send(http)
    after = successor(lab)
    whole = http.client(b"TP/1.1\r\nHost: a\r\n\r\n").server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ack()
    after.send(rest(whole, http))
    assert [(flow.app_proto, flow.confirmed) for flow in after.flows] == [("http", True)]


def test_what_a_flow_has_said_before_is_no_other_flows() -> None:
    """Its first packet here is refused, so that nothing is decided about it; the next one is of another flow."""
    asked = conversation().client(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    lab = engine(ALLOW)
    lab.send(asked)
    after = successor(lab)
    refused = tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, flags=8, data=b"x")
    assert after.send([decode(refused, 1_700_000_001.0, 1)])[0].action == "drop"
    after.send(conversation("udp", server=("198.51.100.2", 5000), start=1_700_000_001.0).client(b"something else"))
    assert [flow.facts for flow in after.flows if flow.proto != 6] == [{}]


def test_a_new_connection_on_the_same_key_is_a_new_one() -> None:
    lab = engine(ALLOW)
    lab.send(SSH)
    after = successor(lab)
    again = conversation(server=("198.51.100.2", 22)).client(b"bogus\r\n").server(b"bogus\r\n").ack()
    after.send(again)
    (flow,) = after.flows
    assert (flow.inherited, flow.app_proto) == (False, None if flow.app_proto is None else "unknown")


def test_a_reused_datagram_key_is_a_new_flow_after_a_while() -> None:
    dns = bytes.fromhex("123401000001000000000000") + b"\1a\7example\0\0\1\0\1"
    reply = bytes.fromhex("123481800001000000000000") + b"\1a\7example\0\0\1\0\1"
    talk = conversation("udp", server=("198.51.100.2", 53)).client(dns).server(reply)
    lab = engine(ALLOW)
    lab.send(talk)
    assert lab.flows[0].app_proto == "dns"
    for later, inherited in ((1.0, True), (1000.0, False)):
        after = successor(lab)
        after.send(conversation("udp", server=("198.51.100.2", 53), start=1_700_000_000 + later).client(b"other"))
        assert after.flows[0].inherited is inherited


def test_the_original_direction_says_who_began_an_older_connection() -> None:
    server_speaks = decode(
        tcp_packet("198.51.100.2", 22, "192.0.2.1", 40000, seq=5, ack=9, flags=16, data=b"x"), 1.0, 3
    )
    begun = decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 22, seq=5), 1.0).key
    for originals, expected in ((frozenset({begun}), ("remote", 22, True)), (frozenset(), ("local", 40000, False))):
        lab = engine(ALLOW)
        lab.engine.continuation.assume_originals(originals)
        lab.send([server_speaks])
        (flow,) = lab.flows
        assert (flow.initiator, flow.dport, flow.older) == expected


def test_the_other_half_of_what_a_killed_process_let_pass_is_refused() -> None:
    """It knew more than it had described; where no rule asks what is said, nothing can be hidden."""
    rest = decode(
        tcp_packet("192.0.2.1", 40000, "198.51.100.2", 80, seq=5, ack=9, flags=24, data=b"cret HTTP/1.1"), 1.0, 1
    )
    for name, lost, originals, action in (
        ("http.path", True, frozenset({rest.key}), "drop"),
        ("http.path", False, frozenset({rest.key}), "accept"),
        ("http.path", True, frozenset(), "accept"),
        ("", True, frozenset({rest.key}), "accept"),
    ):
        rules = f"[{{rule: fact, name: {name}, is: /secret, action: DROP}}]" if name else "[]"
        lab = engine(f"version: 1\nplugins: [rules, stream, protocols]\nchains: {{INPUT: {rules}}}\ndefault: ACCEPT\n")
        lab.engine.continuation.assume_originals(originals)
        lab.engine.continuation.inheritance.lost = lost
        assert lab.send([rest])[0].action == action, (name, lost)


def test_knock_grants_and_the_flows_begun_under_one_survive() -> None:
    policy = """
version: 1
plugins: [rules]
queue: {deal: host}
chains:
  INPUT:
    - {rule: knock, doors: ["7000/udp"], port: 22, grant: 30, action: ACCEPT}
    - {rule: port, protocol: tcp, dst: 22, action: DROP}
default: ACCEPT
"""
    start = 1_700_000_000.0
    knock = conversation("udp", server=("198.51.100.2", 7000), start=start).client(b"x")
    ssh = conversation(server=("198.51.100.2", 22), start=start + 1)
    lab = engine(policy)
    assert lab.send(ssh)[0].action == "drop"
    lab.send(knock)
    assert {verdict.action for verdict in lab.send(ssh)} == {"accept"}
    after = successor(lab, policy)
    later = conversation(client=("192.0.2.1", 40001), server=("198.51.100.2", 22), start=start + 20)
    assert after.send(later)[0].action == "accept", "the grant holds"
    expired = [decode(data, start + 90, 1) for _, data in ssh.client(b"more").frames()[-1:]]
    assert after.send(expired)[0].action == "accept", "a flow that began under it lives on"
    late = conversation(client=("192.0.2.1", 40002), server=("198.51.100.2", 22), start=start + 91)
    assert after.send(late)[0].action == "drop", "and ends"
    other = successor(lab, policy.replace("7000/udp", "7001/udp"))
    assert other.send(later)[0].action == "drop", "another rule's grants are none of this one's"


def test_rules_ask_whether_a_flow_is_older() -> None:
    policy = """
version: 1
plugins: [rules, stream]
chains:
  INPUT: [{rule: flow, older: true, action: ACCEPT}, {rule: fact, name: flow.older, is: false, action: DROP}]
default: DROP
"""
    packet = decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 22, seq=5, ack=9, flags=16, data=b"x"), 1.0, 1)
    for originals, action in ((frozenset({packet.key}), "accept"), (frozenset(), "drop")):
        lab = engine(policy)
        lab.engine.continuation.assume_originals(originals)
        assert lab.send([packet])[0].action == action
