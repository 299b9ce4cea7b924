"""TLS inside TLS by the sizes of records, with real TLS of Python's ssl over memory."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.tls_inner import APPLICATION_DATA, WIDTH, InnerTls, features

from pywall_core.testing import conversation, engine
from pywall_core.testing.certificates import make_certificate

POLICY = """
version: 1
plugins: [rules, stream, protocols, carriers]
chains: {INPUT: [{rule: fact, name: tls.inner.score, least: 0.9, action: DROP}]}
default: ACCEPT
"""
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"<p>a page</p>\n" * 357
GET = b"GET /a/page HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n"


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(make_certificate(tmp_path_factory.mktemp("tls"), "a.example").both)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client, server


class End:
    """One end of TLS over memory."""

    def __init__(self, context, server_side):
        self.come, self.go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.come, self.go, server_side=server_side)

    def handshake(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def read(self):
        out = b""
        while True:
            try:
                out += self.tls.read(65536)
            except ssl.SSLWantReadError:
                return out


def turns_of(contexts, talk):
    """What goes over the wire when two ends shake hands and then say ``talk``, pairs of a side and bytes."""
    ends = End(contexts[1], True), End(contexts[0], False)  # by to_server of what they send
    turns = []

    def move(to_server):
        data = ends[to_server].go.read()
        if data:
            turns.append((to_server, data))
            ends[not to_server].come.write(data)

    done = [False, False]
    while not all(done):
        for side in (True, False):
            done[side] = ends[side].handshake() or done[side]
            move(side)
    for side, data in talk:
        ends[side].tls.write(data)
        move(side)
        ends[not side].read()
    return turns


def run(turns):
    talk = conversation()
    for to_server, data in turns:
        for at in range(0, len(data), 1400):
            piece = data[at : at + 1400]
            talk = talk.client(piece) if to_server else talk.server(piece)
    lab = engine(POLICY)
    verdicts = [verdict.action.value for verdict in lab.send(talk)]
    (flow,) = lab.close()
    return verdicts, flow


def pages(contexts):
    return turns_of(contexts, [(True, GET), (False, PAGE)] * 3)


def test_tls_in_tls_is_cut_within_20_packets(contexts):
    verdicts, flow = run(turns_of(contexts, pages(contexts)))
    assert "drop" in verdicts
    assert verdicts.index("drop") <= 20
    assert flow["pywall"]["tls"]["inner"]["score"] > 0.9


@pytest.mark.parametrize("request_size", [0, 300, 900])
def test_pages_over_tls_are_not(contexts, request_size):
    asked = GET.replace(b"\r\n\r\n", b"\r\nCookie: " + b"c" * request_size + b"\r\n\r\n")
    verdicts, flow = run(turns_of(contexts, [(True, asked), (False, PAGE)] * 4))
    assert "drop" not in verdicts
    assert flow["pywall"]["tls"]["inner"]["score"] < 0.5


def test_nothing_is_followed_where_no_rule_asks(contexts):
    lab = engine("version: 1\nplugins: [rules, stream, protocols, carriers]\ndefault: ACCEPT\n")
    talk = conversation()
    for to_server, data in pages(contexts)[:3]:
        talk = talk.client(data) if to_server else talk.server(data)
    lab.send(talk)
    assert lab.flows[0].detection.following is None


def test_every_size_has_its_weights():
    assert features(1, 0, 1, False, 0) == [0, 8, 16, 30, 31, 37, 39]
    assert max(features(500, 5000, 80, True, 2000)) == WIDTH - 1


@given(st.lists(st.tuples(st.booleans(), st.integers(20, 24), st.integers(0, 18000)), max_size=80))
def test_any_records_are_taken(records):
    found = InnerTls()
    for to_server, kind, length in records:
        found.add(to_server, kind, length)
    assert 0 <= found.score <= 1
    assert found.sizes is None or any(kind == APPLICATION_DATA for _, kind, _ in records)
