"""What is known of live flows survives another process: names, facts, who began, what rules keep. Hostile input."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.daemon import handover
from pywall_core.flows.handover import MAX_KEPT, MAX_SIZE, describe, read
from pywall_core.flows.inheritance import MAX_WAITING, Inheritance
from pywall_core.flows.packing import pack, unpack
from pywall_core.packet.decode import decode
from pywall_core.testing import InMemory, conversation, engine, make_flow, tcp_packet

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
    for text in pack(lab.engine.describe_flows()):
        after.engine.inherit(unpack(text))
    after.engine.load_state(json.loads(json.dumps(lab.engine.save_state())))
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
        lab.engine.assume_originals(originals)
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
        lab.engine.assume_originals(originals)
        lab.engine.inheritance.lost = lost
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


# --- hostile descriptions -----------------------------------------------------------------------------------------

LINE = describe(make_flow(app_proto="tls", facts={"tls.sni": "a.example"}, detect_done=True, confirmed=True)) or b""
GOOD = json.loads(LINE)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=5), inside, max_size=4),
    max_leaves=8,
)


def test_a_description_is_read_as_it_was_written() -> None:
    known = read(LINE)
    assert known is not None
    assert (known.app_proto, known.facts, known.done) == ("tls", {"tls.sni": "a.example"}, True)


def line_of(entry: Any) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode()


@given(JSON.map(line_of) | st.binary(max_size=200))
def test_anything_may_come(line: bytes) -> None:
    assert read(line) is None
    inheritance = Inheritance()
    inheritance.add(line, exact=True)
    assert inheritance.refused == 1 - len(inheritance)


@given(st.integers(0, len(GOOD) - 1), JSON)
def test_a_field_may_be_anything(field: int, value: Any) -> None:
    entry = [*GOOD]
    entry[field] = value
    read(line_of(entry))
    lab = engine("version: 1\nplugins: [rules, stream, protocols]\ndefault: DROP\n")
    lab.engine.inherit([line_of(entry)])
    lab.send([decode(tcp_packet("192.0.2.1", 40000, "198.51.100.2", 443, seq=1, ack=1, flags=16, data=b"x"), 5.0)])


@given(st.integers(0, len(LINE)), st.binary(max_size=9))
def test_bytes_may_be_anything(at: int, other: bytes) -> None:
    """What a description begins with says whose it is; the rest may not say otherwise."""
    line = LINE[:at] + other + LINE[at + len(other) :]
    known = read(line)
    assert known is None or known.key.hex() == line[2 : line.index(b'"', 2)].decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, "00" * 5),
        (1, "me"),
        (2, 9),
        (3, float("inf")),
        (6, "x" * 2000),
        (12, {f"f{n}": 1 for n in range(100)}),
        (12, {"f": "x" * 2000}),
        (12, {"f": {"nested": 1}}),
        (13, "zz"),
        (13, "00" * 20000),
        (15, [[5], []]),
    ],
)
def test_bounds_hold(field: int, value: Any) -> None:
    assert read(line_of([*GOOD[:field], value, *GOOD[field + 1 :]])) is None
    assert read(line_of(GOOD[:-1])) is None


@pytest.mark.parametrize("value", [2**64, -(2**70), "\ud800", 1.5, ("a", 2), b"bytes", None, "x" * 2000, object()])
def test_facts_that_cannot_be_told_cost_nothing_but_themselves(value: Any) -> None:
    flow = make_flow(app_proto="tls", facts={"tls.sni": "a.example", "tls.odd": value}, detect_done=True)
    known = read(describe(flow) or b"")
    assert known is not None
    assert known.facts["tls.sni"] == "a.example"


@pytest.mark.parametrize("kept", [{"": "x" * MAX_KEPT}, {"": object()}, {"": {1: 2}}, {"": 2**64}])
def test_what_is_too_long_to_keep_is_left_out(kept: dict[str, Any]) -> None:
    known = read(describe(make_flow(app_proto="http"), kept) or b"")
    assert known is not None
    assert (known.app_proto, known.kept) == ("http", None)


def test_a_description_that_is_too_long_is_none() -> None:
    facts = {f"f{n}": ["x" * 1024] * 64 for n in range(8)}
    assert describe(make_flow(facts=facts)) is None
    assert read(LINE + b" " * MAX_SIZE) is None


@pytest.mark.parametrize("spaced", [False, True])
def test_one_that_was_made_before_packets_passed_says_so(spaced: bool) -> None:
    line = describe(make_flow(app_proto="tls"), exact=True) or b""
    if spaced:  # as a worker that was taken over may write it
        line = line.replace(b",true]", b", true ]")
    for exact in (True, False):
        inheritance = Inheritance()
        inheritance.add(line, exact=exact)
        known = [read(entry) for entry in inheritance.entries()]
        assert [one and one.exact for one in known] == [exact]


# --- the file -----------------------------------------------------------------------------------------------------


def test_the_file_is_roots_and_small_and_read_back(tmp_path: Path) -> None:
    """100,000 HTTP connections with names, paths and programs of their own, whose next request is waited for."""
    kept = {"": {"confirmed": True, "number": 1, "_first": 1}, "stream": [[5069, "", [], 0], [1110, "", [], 0], False]}
    facts = {"http.hostname": "HOST.example", "http.url": "/WORDS", "http.http_user_agent": "WORDS"}
    flow = make_flow(app_proto="http", facts=facts, detect_done=True, confirmed=True)
    one, address = describe(flow, kept) or b"", flow.src.hex().encode()
    random = Random(1)

    def flows() -> Iterator[bytes]:
        for _ in range(100_000):
            words = random.randbytes(32).hex().encode()
            yield one.replace(address, words[:8], 1).replace(b"WORDS", words).replace(b"HOST", words[8:16])

    texts = list(pack(flows()))
    path = tmp_path / "handover.jsonl"
    size = handover.write(path, ({"flows": text} for text in texts))
    assert size == path.stat().st_size < 32 << 20
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = [line for message in handover.load(path) for line in unpack(message["flows"])]
    assert len(loaded) == 100_000
    assert read(loaded[0]) is not None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[1]\n",
        '{"version": 9}\n',
        '{"version": 1, "boot": "x", "time": 0}\n',
        "[" * 100_000,
        '{"version": 1, "boot": "%s", "time": "soon"}\n',
    ],
)
def test_a_file_that_is_none_says_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "handover.jsonl"
    path.write_text(content)
    assert handover.load(path) == []
    assert handover.load(tmp_path / "missing") == []


def test_an_old_file_a_link_and_a_long_line_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "handover.jsonl"
    handover.write(path, [{"flows": [GOOD]}, {"flows": ["x" * (2 << 20)]}])
    assert handover.load(path) == [{"flows": [GOOD]}]
    with path.open("a") as file:
        file.write('{"a": "' + "x" * (2 << 20) + '"}\n' + '{"flows": []}\n')
    assert {"flows": [GOOD]} in handover.load(path)
    os.symlink(path, tmp_path / "link")
    assert handover.load(tmp_path / "link") == []
    now = time.monotonic()
    monkeypatch.setattr(handover, "monotonic", lambda: now + 100)
    assert handover.load(path) == []


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
        lab.engine.assume_originals(originals)
        assert lab.send([packet])[0].action == action


def test_all_descriptions_together_are_bounded() -> None:
    """A worker that was taken over says what it likes; the oldest make room."""
    inheritance = Inheritance()
    for number in range(2 * MAX_WAITING // MAX_SIZE):
        head = b'["' + (b"\x06" + number.to_bytes(12, "big")).hex().encode() + b'",'
        inheritance.add(head.ljust(MAX_SIZE - 7) + b",false]", exact=False)
    assert len(inheritance) == MAX_WAITING // MAX_SIZE
    assert inheritance.refused == 0
    for line in inheritance.entries():
        inheritance.forget(bytes.fromhex(line[2:28].decode()))
    assert len(inheritance) == 0
