"""SOCKS 4, 4a and 5: the request, and where the tunnel begins."""

import pytest
from pywall_protocols.tunnels import socks

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract, engine, transaction_contract

GRANTED4 = b"\0\x5a" + bytes(6)
NAME4 = b"\4\1\x01\xbb\0\0\0\1bob\0www.example\0"
REQUEST5 = b"\5\1\0\3\x0bwww.example\x01\xbb"
GRANTED5 = b"\5\0\0\1\0\0\0\0\0\0"
LOGIN = b"\1\3bob\6secret"

TestContract = detector_contract(
    socks,
    positives=[
        (b"\5\1\0" + REQUEST5 + b"\x16\x03\x01", b"\5\0" + GRANTED5 + b"\x16\x03\x03"),
        (b"\5\2\0\2" + LOGIN + REQUEST5 + b"tunnel", b"\5\2\1\0" + GRANTED5 + b"tunnel"),
        (b"\5\1\0" + REQUEST5, b""),
        (b"\5\3\0\1\2", b"\5\xff"),
        (b"\5\1\1", b"\5\1"),
        (NAME4 + b"GET /", GRANTED4 + b"HTTP/1.1"),
        (b"\4\1\0\x50\xc0\0\2\1\0", GRANTED4),
        (b"\4\2\0\x50\xc0\0\2\1bob\0", b"\0\x5b" + bytes(6)),
    ],
    negatives=[
        (b"\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0", b"\5\0\x0c\3\x10\0\0\0\x3c\0\0\0"),
        (b"\4\0\0\0\5\0\0\0\0", b"\x84\0\0\0\6\0\0\0\x10"),
        (b"\5\1\0hello", b"\6\0"),
        (b"\5\2\0\0", b"\5\0"),
        (b"\4\3\2\1something", b""),
    ],
)


@pytest.mark.parametrize(
    ("client", "server", "facts"),
    [
        (b"\5\1\0" + REQUEST5, b"\5\0" + GRANTED5, {"version": 5}),
        (b"\5\2\0\2" + LOGIN + REQUEST5, b"\5\2\1\0" + GRANTED5, {"version": 5, "user": "bob"}),
        (NAME4, GRANTED4, {"version": 4, "user": "bob"}),
    ],
)
def test_a_granted_request_hands_over(ask, client, server, facts):
    match = ask(socks, client + b"inside", server + b"answer")
    assert match.restart == (len(client), len(server))
    assert match.facts == facts | {"command": "connect", "host": "www.example", "port": 443}


def test_a_refused_request_hands_nothing_over(ask):
    match = ask(socks, b"\5\1\0" + REQUEST5, b"\5\0\5\5\0\1" + bytes(6))
    assert match.done
    assert match.restart is None


def test_ipv6_addresses(ask):
    request = b"\5\1\0\4" + bytes.fromhex("20010db8000000000000000000000001") + b"\0\x50"
    assert ask(socks, b"\5\1\0" + request, b"\5\0").facts["host"] == "2001:db8::1"


def test_methods_alone_wait_for_the_choice(ask):
    assert ask(socks, b"\5\1\0") is MORE
    assert ask(socks, b"\5\2\0\0", b"\5\0") is MORE  # a server passes over the second
    assert ask(socks, b"\5\2\0\0" + bytes(900), b"\5\0") is NO
    assert ask(socks, b"\4\1\1\xbb\x7f\0\0\1\t\0" + bytes(900)) is NO


TestTunnel = transaction_contract(
    socks,
    [(b"\5\1\0" + REQUEST5 + b"inside", b"\5\0" + GRANTED5 + b"answer"), (NAME4 + b"inside", GRANTED4 + b"answer")],
)
ADDRESS4 = b"\4\1\x01\xbb\x7f\0\0\1"


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    "asked",
    [
        [b"\5\1\0", REQUEST5],
        [b"\5\2\0\0", REQUEST5],
        [b"\5\3\0\x50\xff", REQUEST5],
        [b"\5\xff" + bytes(255), REQUEST5],
        [b"\5\1\0", b"\5\1\xff" + REQUEST5[3:]],
        [NAME4],
        [ADDRESS4 + b"me\0"],
    ],
)
def test_what_is_inside_gets_a_verdict(asked, early):
    lab = engine("""
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: http.path, is: /secret, action: DROP}]}
default: ACCEPT
""")
    inside = b"GET /secret HTTP/1.1\r\nHost: a\r\n\r\n"
    early = early and len(asked) == 2 and len(asked[0]) < 9  # others are not known for sure before their reply
    granted = [b"\5\0", GRANTED5] if len(asked) == 2 else [GRANTED4]
    talk = conversation()
    for part, reply in list(zip(asked, granted, strict=True))[: -1 if early else None]:
        talk = talk.client(part).server(reply)
    talk = talk.client(asked[-1] + inside).server(granted[-1]) if early else talk.client(inside)
    actions = [verdict.action.value for verdict in lab.send(talk)]
    assert actions[-2 if early else -1] == "drop"


@pytest.mark.parametrize("user", [b"", b"a b\t\x80", b"u" * 255])
def test_a_request_that_needs_its_reply_hands_over(ask, user):
    asked = ADDRESS4 + user + b"\0"
    assert ask(socks, asked + b"inside", GRANTED4).restart == (len(asked), len(GRANTED4))
