"""HTTP: requests and responses of many kinds, texts that are none, tunnels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_protocols.web import http

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

REQUEST = (
    b"GET /a/b?c=d HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: test/1\r\nReferer: http://x/\r\nAccept: */*\r\n\r\n"
)
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nhi"
NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93")

TestContract = detector_contract(
    http,
    positives=[
        (REQUEST, RESPONSE),
        (b"", RESPONSE),
        (RESPONSE, REQUEST),
        (b"POST http://proxy.example/x HTTP/1.0\nContent-Length: 1\n\nx", b"HTTP/1.0 407 Authenticate\n\n"),
        (b"CONNECT host.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01", b"HTTP/1.1 200 Connection established\r\n\r\n\x16"),
        (b"GET /\r\n\r\n", b"<!DOCTYPE html>"),
        (b"M-SEARCH * HTTP/1.1\r\n\r\n", b""),
        (b"XYZZY /check HTTP/1.1\r\n\r\n", b"HTTP/1.1 501 Not Implemented\r\n\r\n"),
        (b"POST abcd\nUSER abab\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (b"GET /radio HTTP/1.0\r\n\r\n", b"ICY 200 OK\r\nicy-name: x\r\n\r\n\xff\xfb"),
        (
            b"PUT /x HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n",
        ),
        (b"GET /a b c HTTP/1.1\r\n\r\n", RESPONSE),
        (b"\r\nGET  /odd   HTTP/1.1 \r\n\r\n", RESPONSE),
        (b" GET\t/tab\tHTTP/1.0\r\n\r\n", RESPONSE),
        (b"GET /\0nul HTTP/1.1\r\n\r\n", RESPONSE),
        (b"FETCH /x HTTP-1.1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (b"CONNECT [2001:db8::1]:25 / HTTP/1.0\r\n\r\n", b""),
        (b"GET /bad.html\r\n", b"<html>\n<head><title>Bad!</title>"),
        (b"GET /form.pl?a=b\nAccept: */*\n", b"\r\n<!DOCTYPE html>"),
        (b"GET / HTTP/2\r\nHost: h\r\n\r\n", b""),
        (b"GET / HTTP/1\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        (b"SUBSCRIBE /event HTTP/1.1\r\nNT: upnp:event\r\n\r\n", b""),
        (b"PROPFIND /dav HTTP/1.1\r\nDepth: 1\r\n\r\n", b""),
        (b"RPC_IN_DATA /rpc/rpcproxy.dll?h:593 HTTP/1.1\r\n\r\n", b""),
    ],
    negatives=[
        (b"HEAD of the table\r\n", NOISE),
        (b"CONNECT the dots HTTP/1.1\r\n", NOISE),
        (b"PUT that down HTTP\r\n", NOISE),
        (b"GET the milk please\r\nand eggs\r\n", NOISE),
        (b"POSTMAN says hi\r\n", NOISE),
        (b"GET the milk\r\n", b"<html>"),
        (b"GET the milk\r\nand eggs\r\n", b"<3"),
        (b"stop\r\n", b"<html>"),
        (b"DELETE everything HTTP/1.1 now\r\n", NOISE),
        (b"GET HTTP/1.1 specs from the shelf\r\n", NOISE),
        (b"OPTIONS are open HTTP/2\r\n", NOISE),
        (b"HTTP is a protocol\r\n", NOISE),
        (b"GET ", NOISE),
        (b"OPTIONS sip:a@b SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"),
        (b"DESCRIBE rtsp://h/x RTSP/1.0\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\n"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\4\0\0\0\0\0"),
        (b"EHLO me\r\n", b"220 hello\r\n"),
        (NOISE, NOISE),
    ],
)


def test_facts(ask):
    match = ask(http, REQUEST, RESPONSE)
    assert match == Match(
        "http",
        {
            "http_method": "GET",
            "url": "/a/b?c=d",
            "path": "/a/b",
            "protocol": "HTTP/1.1",
            "hostname": "www.example.org",
            "http_user_agent": "test/1",
            "http_refer": "http://x/",
            "status": 200,
            "http_content_type": "text/html",
            "content_encoding": "br",
        },
    )


@pytest.mark.parametrize("cut", range(len(b"GET /a/b?c=d HTTP/1.1")))
def test_a_request_line_a_few_bytes_at_a_time(ask, cut):
    assert ask(http, REQUEST[:cut]) is MORE


def test_connect_hands_over_behind_both_heads(ask):
    client = b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n\x16\x03\x01"
    server = b"HTTP/1.0 200 Connection established\r\n\r\n\x16\x03\x03"
    match = ask(http, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")
    assert ask(http, client, b"HTTP/1.0 403 No\r\n\r\n").restart is None


def test_an_upgrade_is_a_fact(ask):
    request = b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"
    match = ask(http, request, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01x")
    assert match.facts["upgrade"] == "websocket"
    assert match.restart is None


def test_only_the_right_accept_confirms_a_websocket(ask):
    request = (
        b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81\x01x"
    assert ask(http, request, answer % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").confirmed  # RFC 6455 section 1.3
    assert not ask(http, request, answer % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOp=").confirmed


@pytest.mark.parametrize(
    ("behind", "confirmed"),
    [(b"", True), (b"GET /next HTTP/1.1\r\n", True), (b"PO", True), (NOISE, False), (b"gibberish", False)],
)
def test_nothing_but_a_request_stands_behind_one_without_a_body(ask, behind, confirmed):
    assert ask(http, REQUEST + behind, RESPONSE).confirmed is confirmed


@pytest.mark.parametrize(
    ("request_head", "response_head"),
    [
        (REQUEST, b"HTTP/1.1 200 " + NOISE + b"\r\n"),
        (b"GET / HTTP/1.1\r\n\x9f\x3b\r\n\r\n", RESPONSE),
        (REQUEST[:-2], RESPONSE),
    ],
)
def test_heads_that_do_not_hold_prove_nothing(ask, request_head, response_head):
    assert not ask(http, request_head, response_head).confirmed


def test_an_unfinished_head_gives_the_facts_of_its_whole_lines(ask):
    assert "hostname" not in ask(http, b"GET / HTTP/1.1\r\nHost: www.example.org\r").facts
    assert ask(http, b"GET / HTTP/1.1\r\nHost: www.example.org\r\nAcc").facts["hostname"] == "www.example.org"


def test_a_long_unfinished_head_is_read_by_the_kibibyte(ask):
    head = b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100 + b"Host: www.example.org\r\n"
    assert "hostname" not in ask(http, head).facts
    assert ask(http, head + b"X-Fill: " + b"x" * 1000).facts["hostname"] == "www.example.org"


def test_the_final_response_counts(ask):
    server = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    assert ask(http, REQUEST, server).facts["status"] == 204


def test_an_attempt_is_decided_by_the_other_side(ask):
    assert ask(http, b"GET the milk please\r\n") is MORE
    assert ask(http, b"GET the milk please\r\n", b"no\r\n") is NO
    assert isinstance(ask(http, b"GET the milk please\r\n", b"HTTP/1.1 400 Bad\r\n\r\n"), Match)


@pytest.mark.parametrize("line", [b"GET/ HTTP/1.1", b"OPTIONSHTTP/1.1", b"HEAD/HTTP/1.0", b"OPTIONS"])
def test_a_request_without_its_spaces_is_an_attempt(ask, line):
    request = line + b"\nHost: www.example.org\n\n"
    assert ask(http, request) is MORE
    assert ask(http, request, b"no\r\n") is NO
    match = ask(http, request, b"HTTP/1.0 400 Bad Request\r\n\r\n")
    assert (match.protocol, match.confirmed, match.facts["status"]) == ("http", False, 400)
    assert ask(http, b"GETTY" + line[3:]) is NO or line == b"OPTIONS"


def test_facts_are_cut(ask):
    facts = ask(http, b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\nHost: \x00\xff" + b"h" * 999 + b"\r\n\r\n").facts
    assert len(facts["url"]) == len(facts["hostname"]) == 255
    assert facts["hostname"].isprintable()


def test_blanks_before_and_between(ask):
    client = b"\r\n GET\t/tab  HTTP/1.0\r\nHost: h\r\n\r\n"
    facts = ask(http, client).facts
    assert facts == {"http_method": "GET", "url": "/tab", "path": "/tab", "protocol": "HTTP/1.0", "hostname": "h"}
    tunnel = b"\r\nCONNECT h:22 HTTP/1.1\r\n\r\nSSH-2.0-x\r\n"
    assert tunnel[ask(http, tunnel, b"HTTP/1.1 200 OK\r\n\r\n").restart[0] :] == b"SSH-2.0-x\r\n"


_WORDS = (
    *b"GET HEAD POST CONNECT OPTIONS BREW HTTP/1.1 HTTP/1.0 HTTP/2 ICY / /a?b=c * 200 404 http://a/ a:1".split(),
    *(b" ", b"  ", b"\t", b"\r\n", b"\n", b"\0", b"\xff"),
)


@given(st.lists(st.sampled_from(_WORDS), max_size=9).map(b"".join))
def test_the_quick_look_takes_only_what_the_closer_one_takes(data):
    if http._plain(data):
        assert http._look(data) == http._look_closely(data)


@pytest.mark.parametrize("line", [b"GET /a HTTP/1.1\r\n", b"OPTIONS * HTTP/1.0\n", b"HTTP/1.1 200 OK\r\n"])
def test_what_nearly_all_send_needs_no_closer_look(line):
    assert http._plain(line)
