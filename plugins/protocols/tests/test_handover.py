"""Protocols that hand a flow over to another one, and flows that other flows announce, through the engine."""

import pytest

from pywall_core.testing import client_hello, conversation, engine, framed_hand_overs, late_hand_overs, server_hello

pytest.importorskip("pywall_stream")

POLICY = "version: 1\nplugins: [stream, protocols]\ndefault: ACCEPT\n"
EXTENSIONS = b"\0\0\0\x0e\0\x0c\0\0\x09a.example"
HELLO_BODY = b"\3\3" + bytes(range(32)) + b"\0\0\2\x13\1\1\0" + len(EXTENSIONS[1:]).to_bytes(2, "big") + EXTENSIONS[1:]
HELLO = b"\x16\3\1" + (len(HELLO_BODY) + 4).to_bytes(2, "big") + b"\1" + len(HELLO_BODY).to_bytes(3, "big") + HELLO_BODY
SERVER_BODY = b"\3\3" + bytes(range(32)) + b"\0\x13\1\0"
SERVER_HELLO = (
    b"\x16\3\3" + (len(SERVER_BODY) + 4).to_bytes(2, "big") + b"\2" + len(SERVER_BODY).to_bytes(3, "big") + SERVER_BODY
)

SMTP = [
    (False, b"220 mail.example ESMTP\r\n"),
    (True, b"EHLO a.example\r\n"),
    (False, b"250-mail.example\r\n250 STARTTLS\r\n"),
    (True, b"STARTTLS\r\n"),
    (False, b"220 go ahead\r\n"),
]
FTP = [(False, b"220 FTP\r\n"), (True, b"AUTH TLS\r\n"), (False, b"234 go ahead\r\n")]
IMAP = [(False, b"* OK IMAP4rev1 ready\r\n"), (True, b"a STARTTLS\r\n"), (False, b"a OK go ahead\r\n")]
POP3 = [(False, b"+OK POP3 ready\r\n"), (True, b"STLS\r\n"), (False, b"+OK go ahead\r\n")]
NNTP = [(False, b"200 NNTP service ready\r\n"), (True, b"STARTTLS\r\n"), (False, b"382 go ahead\r\n")]
IRC = [
    (True, b"CAP LS\r\nSTARTTLS\r\n"),
    (False, b":irc.example CAP * LS :tls\r\n:irc.example 670 * :STARTTLS successful\r\n"),
]
XMPP = [
    (True, b"<stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"),
    (
        False,
        b"<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'>"
        b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    ),
    (True, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    (False, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
]
MYSQL = [
    (
        False,
        b"\x4a\0\0\0\x0a8.0.30\0\1\0\0\0abcdefgh\0\xff\xff\x21\2\0\xff\xc1\x15"
        + bytes(10)
        + b"a" * 12
        + b"\0"
        + b"p" * 21
        + b"\0",
    ),
    (True, b"\x20\0\0\1\x85\xae\xff\x19\0\0\0\1\x21" + bytes(23)),
]
LDAP = [
    (True, b"\x30\x1d\2\1\1\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
    (False, b"\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0"),
]
CONNECT = [
    (True, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    (False, b"HTTP/1.1 200 Connection established\r\n\r\n"),
]
PGSQL = [(True, b"\0\0\0\x08\4\xd2\x16\x2f"), (False, b"S")]
SOCKS = [
    (True, b"\5\1\0"),
    (False, b"\5\0"),
    (True, b"\5\1\0\3\x09a.example\1\xbb"),
    (False, b"\5\0\0\1\0\0\0\0\0\0"),
]


def talk(turns, **addresses):
    said = conversation(**addresses)
    for to_server, data in turns:
        said = said.client(data) if to_server else said.server(data)
    return said


def flow_of(packets):
    lab = engine(POLICY)
    lab.send(packets)
    (event,) = lab.close()
    return event


@pytest.mark.parametrize(
    ("protocol", "turns"),
    [
        ("smtp", SMTP),
        ("ftp", FTP),
        ("imap", IMAP),
        ("pop3", POP3),
        ("nntp", NNTP),
        ("irc", IRC),
        ("xmpp", XMPP),
        ("mysql", MYSQL),
        ("ldap", LDAP),
        ("pgsql", PGSQL),
        ("socks", SOCKS),
        ("http", CONNECT),
    ],
)
@pytest.mark.parametrize("size", [1500, 1])
def test_tls_inside_is_detected(protocol, turns, size):
    event = flow_of(talk([*turns, (True, HELLO), (False, SERVER_HELLO)]).split(size).close())
    assert (event["app_proto_orig"], event["app_proto"]) == (protocol, "tls")


def test_smtp_that_asks_for_nothing_stays_smtp():
    event = flow_of(talk([*SMTP[:3], (True, b"MAIL FROM:<a@b.example>\r\n"), (False, b"250 ok\r\n")]).close())
    assert event["app_proto"] == "smtp"


def test_a_rule_may_ask_either_name():
    policy = POLICY.replace("[stream", "[rules, stream") + (
        "chains:\n  INPUT:\n"
        "  - {all: [{rule: app, is: tls}, {rule: fact, name: app_proto_outer, is: smtp}], action: DROP}\n"
    )
    for turns, action in ((SMTP, "drop"), (IMAP, "accept")):
        lab = engine(policy)
        lab.send(talk([*turns, (True, HELLO), (False, SERVER_HELLO)]).close())
        assert lab.close()[0]["verdict"]["action"] == action


NO_TLS = (
    "version: 1\nplugins: [rules, stream, protocols]\n"
    "chains: {INPUT: [{rule: app, is: tls, action: DROP}], OUTPUT: [{rule: app, is: tls, action: DROP}]}\n"
    "default: ACCEPT\n"
)
KINDS = {
    **{name: (*of, lambda _, data: data) for name, of in late_hand_overs().items()},
    **framed_hand_overs(),
}
#: hellos in records of one and of five bytes, as no library sends and any may read
HELLOS = {
    "whole": lambda hello: hello,
    **{
        f"in records of {size}": lambda hello, size=size: b"".join(
            b"\x16\3\1" + len(hello[at : at + size]).to_bytes(2, "big") + hello[at : at + size]
            for at in range(5, len(hello), size)
        )
        for size in (1, 2, 5)
    },
}


@pytest.mark.parametrize(
    ("size", "hello"), [*((1500, hello) for hello in HELLOS), (1, "whole"), (1, "in records of 5")]
)
@pytest.mark.parametrize("name", KINDS)
def test_tls_is_dropped_however_late_it_begins_inside(name, size, hello):
    outer, turns, frame = KINDS[name]
    first = frame(True, HELLOS[hello](client_hello("a.example")))
    lab = engine(NO_TLS, live=True)
    before = talk(turns).split(size).packets()
    asked = talk([*turns, (True, first)]).split(size).packets()
    verdicts = lab.send(talk([*turns, (True, first), (False, frame(False, server_hello()))]).split(size).packets())
    assert {verdict.action.value for verdict in verdicts[: len(before)]} == {"accept"}
    assert {verdict.action.value for verdict in verdicts[len(asked) - 1 :]} == {"drop"}, (
        "the hello has reached the server"
    )
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"], flow["verdict"]["action"]) == ("tls", outer, "drop")


@pytest.mark.parametrize("name", KINDS)
def test_tls_is_dropped_where_a_reload_comes_before_it(name):
    _, turns, frame = KINDS[name]
    carried = [*turns, (True, frame(True, client_hello("a.example")))]
    packets = talk(carried).split(7).packets()
    first_of_hello = len(talk(turns).split(7).packets())
    for cut in {first_of_hello // 2, first_of_hello, (first_of_hello + len(packets)) // 2}:
        before, after = engine(NO_TLS, live=True), engine(NO_TLS, live=True)
        verdicts = before.send(packets[:cut])
        after.engine.continuation.inherit(list(before.engine.continuation.describe_flows(exact=True)), exact=True)
        verdicts += after.send(packets[cut:])
        assert {verdict.action.value for verdict in verdicts[:first_of_hello]} == {"accept"}
        assert verdicts[-1].action.value == "drop", (cut, first_of_hello, len(packets))


@pytest.mark.parametrize("name", KINDS)
def test_what_does_not_turn_to_tls_keeps_its_name(name):
    _, turns, _ = KINDS[name]
    lab = engine(POLICY)
    lab.send(talk(turns).close())
    (flow,) = lab.close()
    assert flow["app_proto"] != "tls"
    assert "app_proto_outer" not in flow or flow["app_proto_outer"] != "tls"
