"""Heads that are read in one step: the same is found of them, and the same is kept, as line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.transactions import http
from pywall_protocols.transactions.http import HttpTransactions
from pywall_protocols.transactions.http_fields import body_length, codings, plain_head, values

from pywall_core.api import HandOver

LINES = (
    b"GET /a HTTP/1.1",
    b"POST /b%20c?d=e HTTP/1.0",
    b"CONNECT x.example:443 HTTP/1.1",
    b"GET  /two HTTP/1.1",
    b"GET\t/tab HTTP/1.1",
    b"GET /simple",
    b"get http://u@y.example:80/p HTTP/1.1",
    b"GET / HTTP/11",
    b"GET /a b HTTP/1.1",
    b"G@T / HTTP/1.1",
    b"GET /\xc3\xa9 HTTP/1.1",
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200",
    b"HTTP/1.0  404 not\tfound",
    b"HTTP/1.1 101 x",
    b"http/1.1 204 x",
    b"HTTP/1.1 100 Continue",
    b"ICY 200 OK",
    b"",
)
FIELDS = (
    b"Host: a.example",
    b"host:b.example:8080 ",
    b"HOST : c",
    b" folded",
    b"X-Y: \t",
    b"Host: d\x0be",
    b"X\r: z",
    b"X-Long-Name-Of-More-Than-Thirty-Two-Bytes: v",
    b"no colon",
    b": nothing",
    b"X y: z",
    b"User-Agent: one",
    b"User-Agent: two",
    b"Upgrade: websocket",
    b"Content-Length: 3",
    b"Content-Length: 3, 4",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Type: text/plain",
    b"Content-Encoding: br",
    b"Location: /elsewhere",
)
ENDS = (b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n", b"\0\r\n")
BODIES = (b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"\r\n", b"\n")


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    said = b""
    for _ in range(draw(st.integers(1, 3))):
        lines = [draw(st.sampled_from(LINES)), *draw(st.lists(st.sampled_from(FIELDS), max_size=6)), b""]
        said += b"".join(line + draw(st.sampled_from(ENDS)) for line in lines) + draw(st.sampled_from(BODIES))
    return said


def found_and_kept(turns: list[tuple[bool, bytes]], in_one_step: bool) -> tuple[list[object], object]:
    """Return what a new parser finds, and its state afterwards. Without ``in_one_step`` it reads line by line."""
    parser = HttpTransactions()
    found: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        if not in_one_step:
            patch.setattr(http, "split_plain_request", lambda line: None)
            patch.setattr(http, "plain_status", lambda line: -1)
        for to_server, data in turns:
            if not (found and isinstance(found[-1], HandOver)):
                found += parser.feed(to_server, data)
    return found, parser.save()


@given(client=heads(), server=heads(), turned=st.booleans(), cut=st.integers(0, 80))
def test_the_same_in_one_step_and_line_by_line(client: bytes, server: bytes, turned: bool, cut: int) -> None:
    turns = [(True, client[:cut]), (False, server), (True, client[cut:])]
    if turned:
        turns.reverse()
    assert found_and_kept(turns, True) == found_and_kept(turns, False)


@pytest.mark.parametrize("count", [47, 48, 49])
def test_wanted_fields_beyond_the_most_are_ambiguous_in_one_step_too(count: int) -> None:
    head = b"GET / HTTP/1.1\r\n" + b"Referer: x\r\n" * count + b"\r\n"
    turns = [(True, head)]
    found, _ = found_and_kept(turns, True)
    assert (found, _) == found_and_kept(turns, False)
    assert (len(found) > 1) == (count > 48)


@pytest.mark.parametrize("size", [100, 8000, 8300, 17000])
def test_a_long_head_is_found_as_a_short_one_is(size: int) -> None:
    turns = [(True, b"GET / HTTP/1.1\r\nX: " + b"y" * size + b"\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\n\r\n")]
    found, _ = found_and_kept(turns, True)
    assert (found, _) == found_and_kept(turns, False)
    assert len(found) == 2


def test_a_plain_head_is_matched_with_its_fields() -> None:
    data = b"..xx\r\nA: b\r\nc:\r\n\r\nrest"
    assert plain_head(data, 2, 100, frozenset({b"a"})) == (b"xx", ((b"a", b"b"),), 18)
    assert plain_head(data, 2, 18, frozenset()) == (b"xx", (), 18)
    assert plain_head(data, 2, 17, frozenset()) is None


@pytest.mark.parametrize(
    "head",
    [
        b"x\n\r\n",
        b"x\r\na:\n\r\n",
        b"x\r\n a: b\r\n\r\n",
        b"x\r\na : b\r\n\r\n",
        b"x\r\na: b\r\n",
        b"x\r\na:\rb\r\n\r\n",
        b"x\r\na:\x0bb\r\n\r\n",
        b"x\r\na:\x0cb\r\n\r\n",
        b"x\0\r\na: b\r\n\r\n",
        b"x\r\nno colon\r\n\r\n",
        b"x\r\nhost\r\n\r\n",
        b"x\r\n: nothing\r\n\r\n",
        b"x\r\nb@d: c\r\n\r\n",
    ],
)
def test_what_receivers_read_in_two_ways_is_no_plain_head(head: bytes) -> None:
    assert plain_head(head, 0, 100, frozenset({b"a", b"host"})) is None


def test_names_are_told_apart_however_many_there_have_been() -> None:
    wanted = frozenset({b"host"})
    for number in range(2000):
        head = b"x\r\nX-%d: y\r\nHOST: z\r\n\r\n" % number
        assert plain_head(head, 0, 100, wanted) == (b"x", ((b"host", b"z"),), len(head))


def test_fields_are_found_by_name_and_say_where_a_message_ends() -> None:
    fields = ((b"content-length", b"3"), (b"content-encoding", b"br, identity"), (b"transfer-encoding", b"gzip"))
    assert values(fields, b"content-length") == [b"3"]
    assert codings(fields) == "br, gzip"
    assert body_length(fields[:1]) == (3, False)
    assert body_length(fields) == (None, True)
