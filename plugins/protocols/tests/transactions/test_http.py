"""HTTP/1 transactions: framing, pipelines, hand-overs, and what reaches a server under a rule."""

import random

import pytest
from pywall_protocols.web import http

from pywall_core.testing import (
    client_hello,
    conversation,
    engine,
    find_transactions,
    server_hello,
    transaction_contract,
)

GET = b"GET /%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
TLS = b"\x16\3\1\0\x2f\1\0\0\x2b\3\3"

BODIES = (
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nGET / HTTP/"
    b"POST /b HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    b"5;x=y\r\nHEAD \r\nA\r\n0123456789\r\n0\r\nHost: trailer\r\n\r\n"
    b"HEAD /c HTTP/1.1\r\nHost: c\r\n\r\n"
    b"\r\nGET http://d.example:8080/d HTTP/1.0\nhost:\n  D.example.\n\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
)
CONNECT = [
    (True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (False, OK),
    (True, b"CONNECT b.example:443 HTTP/1.1\r\n\r\n"),
    (False, b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!"),
    (True, b"CONNECT b.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n"),
    (False, b"HTTP/1.1 200 Connection established\r\nContent-Length: 9\r\n\r\n"),
    (True, TLS),
    (False, TLS),
]
UPGRADE = [
    (True, b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    (False, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\2hi"),
    (True, b"\x81\x82abcd\0\0"),
]


def said(turns):
    talk = conversation()
    for to_server, data in turns:
        talk = talk.client(data) if to_server else talk.server(data)
    return talk


TestHttp = transaction_contract(
    http,
    [
        (b"".join(GET % (n, b"a%d.example" % n) for n in range(3)), OK * 3),
        BODIES,
        said(CONNECT),
        said(UPGRADE),
        (b"GET /old\r\n", b"<html>old"),
    ],
)


def test_bodies_end_where_they_end():
    found = find_transactions(http, BODIES).complete
    assert [(facts["url"], facts["status"]) for facts in found.values()] == [
        ("/a", 204),
        ("/b", 200),
        ("/c", 200),
        ("http://d.example:8080/d", 304),
    ]
    assert (found[3]["hostname"], found[3]["http_port"]) == ("d.example", 8080)


def test_connect_after_other_requests_and_a_refusal_hands_over():
    found = find_transactions(http, said(CONNECT))
    assert [facts["status"] for facts in found.complete.values()] == [200, 407, 200]
    assert (found.hand_over.client, found.hand_over.server, found.hand_over.inside) == (TLS, TLS, True)


def test_what_is_sent_at_once_behind_connect_is_handed_over():
    head = b"CONNECT b.example:443 HTTP/1.1\r\n\r\n"
    refused = b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n"
    granted = b"HTTP/1.1 200 ok\r\n\r\n"
    found = find_transactions(http, (head + head + TLS, refused + granted))
    assert (found.hand_over.client, found.hand_over.inside) == (TLS, True)
    found = find_transactions(http, (head + GET % (1, b"a"), refused + OK))
    assert (found.hand_over, found.complete[1]["hostname"]) == (None, "a")


def test_what_is_no_request_ends_the_name():
    for bytes_of_another in (TLS, b"SSH-2.0-x\r\n", b"EHLO a.example\r\n", b"a" * 70):
        found = find_transactions(http, (GET % (1, b"a") + bytes_of_another, OK))
        assert found.hand_over is not None
        assert (found.hand_over.client, found.hand_over.inside) == (bytes_of_another, False)


def test_lengths_that_contradict_each_other_are_an_anomaly():
    two = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc" + GET % (1, b"b")
    both = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET % (
        1,
        b"b",
    )
    for client in (two, both):
        found = find_transactions(http, (client, b""))
        assert found.anomalies == {(0, "ambiguous_length")}
        assert [facts["hostname"] for facts in found.complete.values()] == ["a", "b"]


def test_every_host_of_a_request_is_a_fact():
    client = b"GET http://good.example/ HTTP/1.1\r\nHost: Bad.example:80\r\nHost: good.example.\r\n\r\n"
    assert find_transactions(http, (client, b"")).complete[0]["hostname"] == ["good.example", "bad.example"]


# --- through the engine -----------------------------------------------------------------------------------------------

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: http.hostname, is: bad.example, action: DROP}]
default: ACCEPT
"""


def delivered(lab, packets):
    """What the server has in order: bytes of accepted packets to it, without what lies behind a hole."""
    pieces = {}
    first = None
    for packet, verdict in zip(packets, lab.send(packets), strict=True):
        if packet.to_server and packet.flags & 2:
            first = packet.seq + 1
        elif packet.to_server and packet.payload and verdict.action == "accept":
            pieces[packet.seq - first] = packet.payload
    got = b""
    while len(got) in pieces:
        got += pieces[len(got)]
    return got


@pytest.mark.parametrize("seed", range(20))
def test_no_complete_head_of_a_forbidden_request_reaches_the_server(seed):
    chance = random.Random(seed)
    hosts = [b"good.example"] * chance.randint(1, 6) + [b"bad.example"] + [b"good.example"] * 2
    client = b"".join(GET % (n, host) for n, host in enumerate(hosts))
    forbidden = client.index(GET % (hosts.index(b"bad.example"), b"bad.example"))
    end = client.index(b"\r\n\r\n", forbidden) + 4
    talk = said([(True, client), (False, OK * (len(hosts) - 3))])
    packets = talk.split(chance.choice((1, 3, 17, 100, 1400))).packets()
    if chance.random() < 0.5:
        packets = talk.split(17).reorder(chance).packets()
    got = delivered(engine(POLICY), packets)
    assert len(got) < end
    assert client.startswith(got)


def test_allowed_requests_before_it_are_delivered_and_the_connection_ends():
    lab = engine(POLICY)
    talk = conversation().client(GET % (0, b"good.example")).server(OK).client(GET % (1, b"bad.example"))
    packets = talk.client(GET % (2, b"good.example")).packets()
    got = delivered(lab, packets)
    assert got == GET % (0, b"good.example")
    lab.close()
    assert [(e["tx_id"], e["http"]["hostname"]) for e in lab.of_type("http")] == [
        (0, "good.example"),
        (1, "bad.example"),
    ]
    (flow,) = lab.of_type("flow")
    assert (flow["verdict"]["action"], flow["pywall"]["rule"]) == ("drop", "INPUT[0]")
    assert len(lab.of_type("drop")) == 1


def test_each_request_has_its_event_and_the_flow_none_more():
    lab = engine(POLICY)
    lab.send(
        said(
            [(True, GET % (1, b"a")), (False, OK), (True, GET % (2, b"b")), (False, OK), (True, GET % (3, b"c"))]
        ).close()
    )
    lab.close()
    assert [(e["tx_id"], e["http"]["url"], e["http"].get("status")) for e in lab.of_type("http")] == [
        (0, "/1", 200),
        (1, "/2", 200),
        (2, "/3", None),
    ]


def test_the_flow_is_not_released_while_another_request_may_come():
    lab = engine(POLICY, live=True)
    talk = conversation().client(GET % (0, b"good.example")).server(OK).client(GET % (1, b"good.example")).server(OK)
    packets = talk.packets()
    verdicts = zip(packets, lab.send(packets), strict=True)
    assert not any(verdict.final for packet, verdict in verdicts if packet.to_server)
    assert not lab.flows[0].cache.released
    port_rule = "rule: port, protocol: tcp, dst: 23"
    ports = engine(POLICY.replace("rule: fact, name: http.hostname, is: bad.example", port_rule), live=True)
    assert all(verdict.final for verdict in ports.send(talk))


def is_released(lab, packets):
    """Send packets. Return whether the kernel may carry the rest in both directions."""
    verdicts = lab.send(packets)
    return lab.engine.offloadable(packets[-1], verdicts[-1]) == 2


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", True),
        (b"http/1.0 200 OK\n\nx", False),
        (b"HTTP/1.1 404 Not Found\r\nConnection: Close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nProxy-Connection: close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nProxy-Connection: close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n", False),
    ],
)
@pytest.mark.parametrize("size", [1500, 1])
def test_the_flow_is_released_where_the_server_ends_the_connection(answer, ends, size):
    policy = POLICY.replace("rule: fact, name: http.hostname, is: bad.example", "rule: app, is: ssh")
    packets = conversation().client(GET % (0, b"a")).server(answer).split(size).packets()
    released, followed = engine(policy, live=True), engine(POLICY, live=True)
    assert is_released(released, packets) == ends
    assert not is_released(followed, packets)  # whatever the server says, each request has its verdict
    for lab in (released, followed):
        lab.close()
        assert [(event["tx_id"], event["http"].get("status")) for event in lab.of_type("http")] == [
            (0, None if b"100" in answer else int(answer[9:12]))
        ]


def test_a_request_without_its_answer_keeps_the_flow():
    policy = POLICY.replace("rule: fact, name: http.hostname, is: bad.example", "rule: app, is: ssh")
    lab = engine(policy, live=True)
    closing = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
    asked = conversation().client(GET % (0, b"a") + b"CONNECT b:443 HTTP/1.1\r\n\r\n")
    assert not is_released(lab, asked.server(closing).packets())
    tunnel = conversation().client(b"CONNECT b:443 HTTP/1.0\r\n\r\n").server(b"HTTP/1.0 200 OK\r\n\r\n")
    assert not is_released(engine(policy, live=True), tunnel.packets())


@pytest.mark.parametrize("size", [1500, 1])
def test_tls_behind_a_late_connect_is_dropped(size):
    policy = POLICY.replace("rule: fact, name: http.hostname, is: bad.example", "rule: app, is: tls")
    lab = engine(policy)
    turns = [*CONNECT[:6], (True, client_hello("a.example")), (False, server_hello())]
    lab.send(said(turns).split(size).close())
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"], flow["verdict"]["action"]) == ("tls", "http", "drop")


def test_a_repeated_packet_is_one_request():
    lab = engine(POLICY)
    lab.send(conversation().client(GET % (0, b"a")).server(OK).client(GET % (1, b"b")).duplicate())
    lab.close()
    assert [e["tx_id"] for e in lab.of_type("http")] == [0, 1]
