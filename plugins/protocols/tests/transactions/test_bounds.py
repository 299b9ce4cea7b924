"""Connections that never end: what a parser holds, and what it does for each byte, is bounded."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import pywall_protocols
from pywall_protocols.web import http

from pywall_core.api import HandOver
from pywall_core.testing import client_hello, make_flow
from pywall_core.testing.handovers_binary import web_socket_frame

SOURCES = Path(pywall_protocols.__file__).parent


def parsers():
    """Return by the class of its parser a plugin that makes it: all of the distribution."""
    found = {}
    for source in sorted(SOURCES.glob("*/*.py")):
        if source.parent.name in ("parsing", "transactions") or source.name.startswith("__"):
            continue
        plugin = import_module(f"pywall_protocols.{source.parent.name}.{source.stem}")
        parser = new_parser(plugin) if hasattr(plugin, "pywall_transactions") else None
        if parser is not None:
            found.setdefault(type(parser), plugin)
    return found


def new_parser(plugin):
    flow = make_flow()
    state = flow.own_detection()
    state.app_proto, state.client = plugin.protocols[0], SAID.get(plugin.protocols[0], [b""])[0]
    parser = plugin.pywall_transactions(flow)
    if hasattr(parser, "asked"):
        parser.asked = frozenset({"renegotiated", "sni"})
    return parser


#: what a client says first, and then for ever, where a parser reads it to its end
SAID = {
    "http": [b"", b"GET / HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n"],
    "http2": [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\5\1\5\0\0\0\1\x82\x86\x84\x41\0" + b"\0\0\x08\6\0\0\0\0\0" + bytes(8),
    ],
    "websocket": [b"", web_socket_frame(True, b"hello") + web_socket_frame(True, bytes(200), 0x02)],
    "smtp": [b"EHLO a\r\n", b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRSET\r\n"],
    "ftp": [b"", b"RETR /some/file\r\nPORT 192,0,2,1,4,5\r\n"],
    "imap": [b"", b"a1 LOGIN {2}\r\nme {2}\r\npw\r\n"],
    "xmpp": [b"<stream:stream to='a'>", b"<message to='a'><body>hello</body></message>"],
    "redis": [b"", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n"],
    "mqtt": [b"\x10\x0d\0\4MQTT\5\2\0\x3c\0\0\1a", b"\x82\x08\0\1\0\0\2ab\0" + b"\x30\x06\0\2abhi"],
    "ldap": [b"", b"0\x0c\2\1\2\x60\7\2\1\3\4\0\x80\0"],
    "dns": [b"", bytes.fromhex("001d123401000001000000000000") + b"\1a\7example\0\0\1\0\1"],
    "tds": [b"", b"\x12\1\0\x0a\0\0\1\0ab"],
    "rfb": [b"RFB 003.008\n", b"\2\0\0\1\0\0\0\0"],
    "socks": [b"\5\1\0", b"\5\1\0\1\x7f\0\0\1\0\x50"],
    "sip": [b"", b"OPTIONS sip:a SIP/2.0\r\nVia: x\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"],
    "tls": [client_hello("a.example"), b"\x17\3\3\0\5hello\x14\3\3\0\1\1"],
}
#: bytes that a parser may hold at most
MOST_HELD = 700_000
GET = b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n"


def held(parser):
    """Bytes of all values that can be reached from a parser."""
    seen = set()
    size = 0
    todo = [parser]
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, type) or callable(value):
            continue
        seen.add(id(value))
        size += sys.getsizeof(value)
        if isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, (tuple, list, frozenset)):
            todo += value
        else:
            todo += [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
            todo += list(getattr(value, "__dict__", {}).values())
    return size


def lines_of_work(call):
    """Lines of Python that run in a call: a measure of work that does not depend on the machine."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        count += event == "line"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


def test_a_hundred_thousand_pipelined_requests_are_all_found():
    parser = http.pywall_transactions(make_flow())
    numbers = 0
    for first in range(0, 100_000, 1000):
        found = parser.feed(True, b"".join(GET % n for n in range(first, first + 1000)))
        numbers += len([one for one in found if one.facts["url"] == f"/{one.number}"])
        assert held(parser) < MOST_HELD
        if first >= 2000:  # two thousand behind, the server answers
            parser.feed(False, b"HTTP/1.1 204 No Content\r\n\r\n" * 1000)
    assert numbers == 100_000


def ask_without_an_answer(parser):
    return sum(len(parser.feed(True, b"".join(GET % n for n in range(1000)))) for _ in range(100))


def test_requests_that_nobody_answers_are_all_found():
    parser = http.pywall_transactions(make_flow())
    assert ask_without_an_answer(parser) == 100_000
    assert held(parser) < MOST_HELD


def test_a_request_of_another_kind_behind_too_many_that_nobody_answers_ends_the_name():
    parser = http.pywall_transactions(make_flow())
    ask_without_an_answer(parser)
    found = parser.feed(True, GET.replace(b"GET", b"HEAD") % 1)
    assert isinstance(found[-1], HandOver)
    assert not found[-1].inside


def test_the_answer_to_a_head_is_found_behind_many_others():
    """What it says of a length is no body, nor is the answer behind it."""
    parser = http.pywall_transactions(make_flow())
    for _ in range(6):
        parser.feed(True, b"".join(GET % n for n in range(1000)))
    parser.feed(True, GET.replace(b"GET", b"HEAD") % 1 + GET % 2 + b"GET /chat HTTP/1.1\r\nUpgrade: x\r\n\r\nfirst")
    for _ in range(6):
        parser.feed(False, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx" * 1000)
    found = parser.feed(False, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert not any(isinstance(one, HandOver) for one in found)
    (*_, last) = parser.feed(False, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello")
    assert (last.client, last.server) == (b"first", b"hello")


@pytest.mark.parametrize("cut", [1, 1460])
def test_a_head_of_a_megabyte(cut):
    parser = http.pywall_transactions(make_flow())
    head = b"GET / HTTP/1.1\r\n" + b"X-Padding: abcdefgh\r\n" * 50_000 + b"Host: bad.example\r\n\r\n"
    head = head if cut > 1 else head[:20] + head[-20_000:]
    found = []
    for at in range(0, len(head), cut):
        found += parser.feed(True, head[at : at + cut])
        assert at % 50 or held(parser) < 50_000
    assert [one.facts["hostname"] for one in found] == ["bad.example"]


def test_chunks_without_end():
    parser = http.pywall_transactions(make_flow())
    parser.feed(True, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(500):
        assert not parser.feed(True, b"1;x\r\na\r\n" * 200)
        assert held(parser) < 10_000
    found = parser.feed(True, b"0\r\n\r\n" + GET % 2)
    assert found[0].facts["url"] == "/2"


PARSERS = parsers()
NOISE = {
    "its own messages": b"",
    "a line": b"a" * 40,
    "no-ops": b"NOOP\r\n",
    "elements": b"<a ",
    "literals": b"* {999}\r\n",
    "messages": b"\x30\x05\x02\x01\x01\x42\x00",
    "zeros": bytes(40),
    "records": b"\x16\3\1\0\1\1",
}


@pytest.mark.parametrize("plugin", PARSERS.values(), ids=[parser.__name__ for parser in PARSERS])
@pytest.mark.parametrize("noise", NOISE)
def test_work_for_each_byte_and_memory_are_bounded_whatever_comes(plugin, noise):
    first, own = SAID.get(plugin.protocols[0], [b"", NOISE["no-ops"]])
    noise = NOISE[noise] or own

    def feed_bytes(count):
        parser = new_parser(plugin)
        if first:
            parser.feed(True, first)
        for at in range(count):
            for side in (True, False):
                byte = noise[at % len(noise) :][:1]
                if any(isinstance(one, HandOver) for one in parser.feed(side, byte)):
                    return

    some, more = (lines_of_work(lambda count=count: feed_bytes(count)) for count in (500, 2000))
    assert more < 6 * some + 1000


@pytest.mark.parametrize("plugin", PARSERS.values(), ids=[parser.__name__ for parser in PARSERS])
@pytest.mark.parametrize("noise", NOISE)
def test_of_half_a_megabyte_little_is_held(plugin, noise):
    first, own = SAID.get(plugin.protocols[0], [b"", NOISE["no-ops"]])
    noise = NOISE[noise] or own
    piece = noise * (1400 // len(noise))
    parser = new_parser(plugin)
    if first:
        parser.feed(True, first)
    for number in range(400):
        found = [*parser.feed(True, piece), *parser.feed(False, piece)]
        if any(isinstance(one, HandOver) for one in found):
            return
        assert number % 40 or held(parser.copy()) < MOST_HELD


def test_every_parser_is_tried():
    assert len(PARSERS) >= 20
