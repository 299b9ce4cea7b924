"""HTTP/2 in clear: streams as transactions, header compression, bounds, and what reaches a server under a rule."""

import random

import pytest
from pywall_protocols.transactions import http2 as parser
from pywall_protocols.web import http2

from pywall_core.api import HandOver
from pywall_core.testing import conversation, engine, find_transactions, make_flow, transaction_contract

hpack = pytest.importorskip("hpack")

PREFACE = parser.PREFACE
SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
ACK = bytes((0, 0, 0, 4, 1, 0, 0, 0, 0))
GREASE = b"\0\0\5\x2a\0\0\0\0\0hello"


def frame(kind, stream, data=b"", flags=0):
    return len(data).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + data


class Peer:
    """Writes one direction's frames."""

    def __init__(self):
        self.encoder = hpack.Encoder()

    def head(self, stream, *fields, cuts=1, padded=False, end=True):
        block = self.encoder.encode(list(fields))
        size = len(block) // cuts + 1
        parts = [block[at : at + size] for at in range(0, len(block), size)]
        flags = (1 if end else 0) | (4 if len(parts) == 1 else 0)
        first = b"\3" + bytes(5) + parts[0] + bytes(3) if padded else parts[0]
        out = frame(1, stream, first, flags | (0x28 if padded else 0))
        for number, part in enumerate(parts[1:]):
            out += frame(9, stream, part, 4 if number == len(parts) - 2 else 0)
        return out

    def get(self, stream, host, path="/", *more, **options):
        fields = ((":method", "GET"), (":scheme", "http"), (":authority", host), (":path", path), *more)
        return self.head(stream, *fields, **options)

    def ok(self, stream, status=200, *more, **options):
        return self.head(stream, (":status", str(status)), *more, **options)


def dialogue():
    client, server = Peer(), Peer()
    asked = PREFACE + SETTINGS + client.get(1, "a.example", "/1", ("user-agent", "x")) + frame(8, 0, b"\0\0\1\0")
    asked += client.get(3, "B.example:8080", "/2", ("user-agent", "x"), cuts=3) + GREASE + frame(6, 0, bytes(8))
    grpc = (":method", "POST"), (":path", "/g"), (":authority", "c"), ("content-type", "application/grpc")
    asked += client.head(5, *grpc, padded=True, end=False)
    asked += frame(0, 5, b"\2question\0\0", 8) + frame(0, 5, b"s", 1) + frame(3, 3, bytes(4))
    told = SETTINGS + ACK + server.head(3, (":status", "103"), ("link", "x"), end=False)
    told += server.ok(3, 404, ("content-type", "text/html"), ("content-encoding", "gzip"), end=False)
    told += frame(0, 3, b"body", 1) + server.ok(1, 200, ("location", "/x"), cuts=2)
    promise = server.encoder.encode([(":method", "GET"), (":path", "/pushed"), (":authority", "a.example")])
    told += frame(5, 1, (2).to_bytes(4, "big") + promise, 4) + server.ok(2, 200)
    told += server.ok(5, 200, ("content-type", "application/grpc"), end=False) + frame(0, 5, b"answer")
    told += server.head(5, ("grpc-status", "0")) + frame(7, 0, bytes(8))
    return asked, told


class TestHttp2(transaction_contract(http2, [dialogue()], carries=["http.body"])):
    pass


def test_streams_are_transactions_with_the_facts_of_http():
    found = find_transactions(http2, dialogue(), carries=["http.body"])
    assert found.hand_over is None
    assert found.complete[0] == {
        "http_method": "GET", "url": "/1", "path": "/1", "protocol": "HTTP/2", "hostname": "a.example",
        "http_user_agent": "x", "status": 200, "redirect": "/x",
    }  # fmt: skip
    assert (found.complete[1]["hostname"], found.complete[1]["http_port"]) == ("b.example", 8080)
    assert found.complete[1]["status"] == 404
    assert found.complete[2]["grpc"] is True
    assert found.complete[2]["http_content_type"] == "application/grpc"
    assert found.complete[3] == {"protocol": "HTTP/2", "status": 200}  # pushed
    assert found.carried == {
        ("http.body", True, 0): [("", b"questions")],
        ("http.body", False, 0): [("gzip", b"body"), ("", b"answer")],
    }


def test_a_body_has_the_lowest_number_that_no_open_one_has():
    server = Peer()
    heads = b"".join(server.ok(stream, end=False) for stream in (1, 3, 5, 7, 9))
    told = SETTINGS + heads + frame(0, 1, b"a") + frame(0, 3, b"b") + frame(0, 1, b"A", 1) + frame(0, 5, b"c")
    told += frame(3, 3, bytes(4)) + frame(0, 7, b"d") + frame(0, 5, b"") + frame(0, 5, b"", 1) + frame(0, 7, b"D")
    told += frame(0, 9, b"e")
    found = find_transactions(http2, (PREFACE + SETTINGS, told), carries=["http.body"])
    assert found.carried == {
        ("http.body", False, 0): [("", b"aA"), ("", b"c"), ("", b"e")],
        ("http.body", False, 1): [("", b"b"), ("", b"dD")],
    }


POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: http.hostname, is: bad.example, action: DROP}]}
default: ACCEPT
"""


def opened(client, server, size=1400):
    talk = conversation()
    for at in range(0, max(len(client), len(server)), size):
        if client[at : at + size]:
            talk = talk.client(client[at : at + size])
        if server[at : at + size]:
            talk = talk.server(server[at : at + size])
    return talk


@pytest.mark.parametrize("size", [1, 9, 40, 1400])
def test_a_forbidden_stream_behind_allowed_ones_never_reaches_the_server(size):
    client, server = Peer(), Peer()
    good = PREFACE + SETTINGS + b"".join(client.get(n, "a.example") for n in range(1, 21, 2))
    bad = client.get(21, "bad.example", cuts=2)
    lab = engine(POLICY)
    told = SETTINGS + ACK + b"".join(server.ok(n) for n in range(1, 21, 2))
    verdicts = lab.send(opened(good, told, size))
    assert {verdict.action.value for verdict in verdicts} == {"accept"}
    talk = list(opened(good, told, size).client(bad))
    lab = engine(POLICY)
    assert lab.send(talk)[-1].action.value == "drop"
    (flow,) = lab.close()
    assert flow["app_proto"] == "http2"
    assert len(lab.of_type("http")) == 11
    assert lab.of_type("http")[0]["http"]["hostname"] == "a.example"


def test_the_upgrade_of_http_1():
    client, server = Peer(), Peer()
    talk = conversation().client(
        b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    )
    talk = talk.server(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + SETTINGS)
    talk = talk.client(PREFACE + SETTINGS + ACK).server(ACK + server.ok(1)).client(client.get(3, "bad.example"))
    lab = engine(POLICY)
    assert lab.send(talk)[-1].action.value == "drop"
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"]) == ("http2", "http")


def test_an_allow_list_waits_for_the_first_stream():
    lab = engine(
        "version: 1\nplugins: [rules, stream, protocols]\n"
        "chains: {INPUT: [{rule: fact, name: http.hostname, is: a.example, action: ACCEPT}]}\n"
        "default: {INPUT: DROP, OUTPUT: ACCEPT}\n"
    )
    client = Peer()
    asked = PREFACE + SETTINGS + client.get(1, "a.example")
    verdicts = lab.send(opened(asked, SETTINGS + ACK, 30).client(client.get(3, "other.example")))
    assert {verdict.action.value for verdict in verdicts[:-1]} == {"accept"}
    assert verdicts[-1].action.value == "drop"


def test_bytes_that_are_no_frames_take_the_name_back():
    lab = engine("version: 1\nplugins: [rules, stream, protocols]\ndefault: ACCEPT\n")
    noise = random.Random(1)
    talk = opened(PREFACE + SETTINGS + Peer().get(1, "a.example"), SETTINGS + ACK)
    lab.send(talk.client(frame(6, 0, b"short")).client(noise.randbytes(1000)).client(noise.randbytes(20000)))
    (flow,) = lab.close()
    assert flow["app_proto"] == "unknown"


@pytest.mark.parametrize(
    "before",
    [
        b"",
        frame(2, 0, bytes(5)),
        frame(2, 3, bytes(4)),
        frame(4, 1),
        frame(6, 0, bytes(7)),
        frame(9, 1, b"\x82", 4),
        frame(0x2A, 0, bytes(70000)),
        frame(1, 1, bytes(70000), 5),
    ],
)
@pytest.mark.parametrize("reserved", [0, 1 << 31])
def test_no_frame_before_it_hides_a_request(before, reserved):
    request = Peer().get(1, "bad.example")
    request = request[:5] + (1 | reserved).to_bytes(4, "big") + request[9:]
    lab = engine(POLICY, live=True)
    data = PREFACE + SETTINGS + before + request
    talk = conversation()
    for at in range(0, len(data), 1400):
        talk = talk.client(data[at : at + 1400])
    assert lab.send(talk)[-1].action.value == "drop"


def test_a_head_that_cannot_be_read_is_a_fact_and_none_behind_it_passes_unseen():
    client = Peer()
    bomb = client.head(1, (":method", "GET"), ("a", "x" * 4000)) + frame(1, 3, b"\xbe" * 8000, 5)
    found = find_transactions(http2, (PREFACE + SETTINGS + bomb + client.get(5, "bad.example"), b""))
    assert [found.complete[number].get("undecodable") for number in range(3)] == [None, True, True]
    assert found.anomalies == {(1, "undecodable_head"), (2, "undecodable_head")}


@pytest.mark.parametrize("size", [1, 4, 9, 100])
def test_a_server_that_begins_otherwise_is_handed_over_whole_and_once(size):
    made = http2.pywall_transactions(make_flow(client=PREFACE))
    behind, said = b"SSH-2.0-client\r\n", b"SSH-2.0-OpenSSH_9.6p1\r\n"
    made.feed(True, PREFACE[:20])
    found = list(made.feed(True, PREFACE[20:] + behind))
    fed = 0
    while not any(isinstance(one, HandOver) for one in found):
        found += made.feed(False, said[fed : fed + size])
        fed += size
    assert [(one.client, one.server, one.inside) for one in found] == [(behind, said[:fed], False)]


def test_what_the_client_says_before_the_server_is_kept_within_bounds():
    made = http2.pywall_transactions(make_flow(client=PREFACE))
    made.feed(True, PREFACE)
    for _ in range(10):
        made.feed(True, SETTINGS + frame(8, 0, b"\0\0\1\0") * 400)
    assert len(made._held) == 16384
    made.feed(False, SETTINGS)
    assert made._held == b""


def test_a_flood_of_continuations_is_bounded():
    flood = frame(1, 1, b"\x40\x01a\x7f\xff", 1) + frame(9, 1, b"z" * 16000) * 200
    made = http2.pywall_transactions(make_flow(client=PREFACE))
    made.feed(True, PREFACE + SETTINGS + flood)
    assert len(made._asked._block) <= 2 * 16384 + 16000
    one, ambiguity = made.feed(True, frame(9, 1, b"", 4))
    assert ambiguity.reason == "undecodable_head"
    assert one.facts["undecodable"] is True


def test_ten_thousand_streams_are_bounded():
    client, server = Peer(), Peer()
    made = http2.pywall_transactions(make_flow(client=PREFACE))
    made.feed(True, PREFACE + SETTINGS)
    given = []
    for number in range(10_000):
        data = client.get(2 * number + 1, "a.example", f"/{number}") + frame(3, 2 * number + 1, bytes(4))
        given += made.feed(True, data)
        made = made.copy()
        assert len(made._open) <= 256
    assert [one.facts["url"] for one in given if not one.complete] == [f"/{n}" for n in range(10_000)]
    for number in range(10_000):
        made.feed(False, server.ok(2 * number + 1))
    assert len(made._early) <= 256


def test_noise_in_frames_is_taken():
    noise = random.Random(2)
    for _ in range(300):
        frames = b"".join(
            frame(noise.randrange(12), noise.randrange(8), noise.randbytes(noise.randrange(60)), noise.randrange(256))
            for _ in range(8)
        )
        find_transactions(http2, (PREFACE + SETTINGS + frames, SETTINGS + frames), carries=["http.body"])
