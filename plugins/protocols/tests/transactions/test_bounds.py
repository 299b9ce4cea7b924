"""Connections that never end: what a parser holds, and what it does for each byte, is bounded."""

import sys

import pytest
from pywall_protocols.access import ldap, radius
from pywall_protocols.chat import irc, xmpp
from pywall_protocols.databases import redis
from pywall_protocols.discovery import dns
from pywall_protocols.files import ftp
from pywall_protocols.mail import imap, nntp, pop3, smtp
from pywall_protocols.messaging import mqtt
from pywall_protocols.voip import sip
from pywall_protocols.web import http

from pywall_core.api import HandOver
from pywall_core.testing import make_flow

PLUGINS = [http, dns, smtp, ftp, pop3, imap, nntp, irc, xmpp, ldap, redis, mqtt, sip, radius]
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


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.__name__.rpartition(".")[2])
@pytest.mark.parametrize(
    "noise",
    [b"a" * 20_000, b"NOOP\r\n" * 3000, b"<a " * 6000, b"* {999}\r\n" * 2000, b"\x30\x05\x02\x01\x01\x42\x00" * 2500],
    ids=["a line", "no-ops", "elements", "literals", "messages"],
)
def test_work_for_each_byte_and_memory_are_bounded_whatever_comes(plugin, noise):
    def feed_bytes(count):
        parser = plugin.pywall_transactions(make_flow())
        for at in range(count):
            for side in (True, False):
                if any(isinstance(one, HandOver) for one in parser.feed(side, noise[at : at + 1])):
                    return
            if at % 2000 == 0:
                kept = parser.copy()
                assert held(kept) < MOST_HELD

    some, more = (lines_of_work(lambda count=count: feed_bytes(count)) for count in (2000, 8000))
    assert more < 6 * some + 1000
