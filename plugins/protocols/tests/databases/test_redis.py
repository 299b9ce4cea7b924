"""Redis: commands as arrays and inline, typed replies, and POP3's +OK."""

import pytest
from pywall_protocols.databases import redis

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract, engine, tcp_packet

TestContract = detector_contract(
    redis,
    positives=[
        (b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", b"$1\r\n6\r\n"),
        (b"*1\r\n$7\r\nCOMMAND\r\n", b""),
        (b"PING\r\nPING\r\n", b"+PONG\r\n+PONG\r\n"),
        (b"SET a 1\r\n", b"+OK\r\n"),
        (b"\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n", b"$1\r\nx\r\n"),
        (b"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", b"-WRONGPASS invalid\r\n"),
    ],
    negatives=[
        (b"CAPA\r\nQUIT\r\n", b"+OK POP3 ready\r\n"),
        (b"*3\r\nGET\r\n", b"* OK IMAP4 ready\r\n"),
        (b"*1\r\n$3\r\n\x00\x01\x02\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"a line of text\r\n", b"+1 to that\r\n"),
    ],
)


def test_facts(ask):
    assert ask(redis, b"*2\r\n$3\r\nget\r\n$1\r\nk\r\n", b":1\r\n") == Match("redis", {"command": "GET"})


@pytest.mark.parametrize("data", [b"*", b"*1\r\n", b"*1\r\n$4", b"*1\r\n$4\r\nPI"])
def test_beginnings_of_a_command_wait(ask, data):
    assert ask(redis, data) is MORE


def test_the_length_of_the_name_is_held(ask):
    assert ask(redis, b"*1\r\n$4\r\nPI\r\n", b"HTTP/1.1 400 Bad Request\r\n") is NO


def test_a_carriage_return_inside_a_command_is_no_blank(ask):
    assert ask(redis, b"PING\rN", b"+PONG\r\n") is NO
    assert ask(redis, b"PING\rN\r\n", b"+PONG\r\n") is NO


@pytest.mark.parametrize(
    "reply", [b"+OK\r\n", b":1\r\n", b"$5\r\nhello\r\n", b"*1\r\n$1\r\na\r\n", b"-ERR unknown command\r\n"]
)
def test_in_the_middle_the_server_may_be_seen_first(reply):
    lab = engine({"plugins": ["stream", "redis"]})
    asks = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
    server, client = ("192.0.2.2", 6379), ("192.0.2.1", 40000)
    lab.send(
        [
            tcp_packet(*server, *client, seq=500, ack=100, data=reply),
            tcp_packet(*client, *server, seq=100, ack=500 + len(reply), data=asks),
            tcp_packet(*server, *client, seq=500 + len(reply), ack=100 + len(asks), data=b"$1\r\n7\r\n"),
        ]
    )
    assert (lab.flows[0].app_proto, lab.flows[0].confirmed) == ("redis", True)


FORBID = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: redis.command, is: FLUSHALL, action: DROP}]}
default: ACCEPT
"""


@pytest.mark.parametrize("argument", [b"", b" x", b" /", b" x 1"])
def test_an_inline_command_that_others_have_hides_none_behind_it(argument):
    """HTTP, memcached, NATS and RFB begin alike; none of their clients says FLUSHALL next."""
    pytest.importorskip("pywall_stream")
    pytest.importorskip("pywall_rules")
    lab = engine(FORBID, live=True)
    for number, verb in enumerate(sorted(redis._INLINE.all)):
        for spelled in (verb, verb.lower()):
            for pieces in ([spelled + argument + b"\r\nflushall\r\n"], [spelled + argument + b"\r\n", b"FLUSHALL\r\n"]):
                talk = conversation(client=("192.0.2.1", 20000 + number))
                for piece in pieces:
                    talk = talk.client(piece)
                actions = [verdict.action for verdict in lab.send(talk.packets())]
                assert actions[-1] == "drop" or "drop" in actions, (spelled, argument, pieces)
                lab.engine.flows.clear("shutdown")


def test_no_detector_that_takes_any_line_holds_a_command_of_its_own_up():
    pytest.importorskip("pywall_stream")
    pytest.importorskip("pywall_rules")
    lab = engine(FORBID, live=True)
    assert lab.send(conversation().client(b"FLUSHALL\r\n").packets())[-1].action == "drop"
