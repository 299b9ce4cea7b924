"""A long request that nobody answers before its end, under rules that let in confirmed names alone: an upload goes on.
Who says something else behind the budget of detection does not."""

import pytest

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: app, is: [http, tls], confirmed: true, action: ACCEPT}]
  OUTPUT: [{rule: app, is: [http, tls], confirmed: true, action: ACCEPT}]
default: DROP
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PIECES = 30
BODY = bytes(range(200)) * 7


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def upload(head, pieces, answer):
    talk = conversation(server=("198.51.100.2", 80)).client(head)
    for piece in pieces:
        talk = talk.client(piece)
    return talk.server(answer).client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").packets(client_hook=1, server_hook=3)


LENGTH = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (PIECES * len(BODY))
UPLOADS = {
    "a body of a length": (LENGTH, [BODY] * PIECES),
    "chunks": (
        b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        [chunk(BODY)] * PIECES + [b"0\r\n\r\n"],
    ),
    "requests in a row": (
        b"",
        [b"PROPFIND /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 1400\r\n\r\n%s" % (n, BODY) for n in range(PIECES)],
    ),
}


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("live", [True, False], ids=["live", "replay"])
def test_it_goes_on_until_the_answer(name, live):
    head, pieces = UPLOADS[name]
    if not head:
        head, *pieces = pieces
    lab = engine(POLICY, live=live)
    assert {verdict.action for verdict in lab.send(upload(head, pieces, OK))} == {"accept"}
    (flow,) = lab.flows
    assert flow.confirmed
    assert flow.cache.final is None or flow.cache.final.action == "accept"


@pytest.mark.parametrize("name", UPLOADS)
@pytest.mark.parametrize("answer", [b"\x17\x03\x99 something else" * 20, b"220 FTP ready\r\n", b"\0" * 100])
def test_it_ends_with_another_answer(name, answer):
    head, pieces = UPLOADS[name]
    if not head:
        head, *pieces = pieces
    lab = engine(POLICY, live=True)
    verdicts = lab.send(upload(head, pieces, answer))
    assert verdicts[-1].action == "drop"
    assert not lab.flows[0].confirmed


def test_what_is_no_request_behind_the_head_is_not_waited_for():
    """A forged head, and then anything: both when the body that it names has ended, and when it names none."""
    for head in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n"):
        lab = engine(POLICY, live=True)
        noise = bytes((byte * 7 + 1) % 256 for byte in range(1400))
        verdicts = lab.send(upload(head, [noise] * PIECES, OK))
        assert verdicts[-1].action == "drop", head
        assert verdicts[-1].final
