"""A first line of another protocol, which a server passes over, hides no TLS that begins later."""

import pytest

from pywall_core.testing import client_hello, conversation, engine, server_hello

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

FIRST = {
    "http": b"GET / HTTP/1.1\r\n",
    "http with a version that there is not": b"GET / HTTP/7.1\r\n",
    "a connect": b"CONNECT a:443 HTTP/1.1\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "sip": b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n",
    "rtsp": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "git": b"0032git-upload-pack /project.git\0host=a.exa\0mple\0\r\n",
    "rsync": b"@RSYNCD: 31.0\n",
    "mqtt": b"\x10\x0d\0\4MQTT\5\2\0\x3c\0\0\1a\r\n",
    "amqp": b"AMQP\0\0\x09\1\r\n",
    "ajp": b"\x12\x34\0\1\x0a\r\n",
    "pgsql": b"\0\0\0\x08\4\xd2\x16\x2f\r\n",
    "rdp": b"\x03\x00\x00\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9\r\n",
    "xmpp": b"<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client'>\r\n",
    "proxy": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
}
#: what servers say first and to a line that they do not know, how TLS is asked for, and the yes to it
SERVERS = {
    "ftp": (b"220 (vsFTPd 3.0.3)\r\n", b"530 Please login with USER and PASS.\r\n", b"AUTH TLS\r\n", b"234 Go.\r\n"),
    "irc": (
        b":irc.a.example NOTICE * :*** Looking up your hostname...\r\n",
        b":irc.a.example 451 * X :Register first.\r\n",
        b"STARTTLS\r\n",
        b":irc.a.example 670 * :STARTTLS successful, go ahead with TLS handshake\r\n",
    ),
    "irc that is silent": (b"", b":irc.a.example 451 * X :No.\r\n", b"STARTTLS\r\n", b":irc.a.example 670 * :Go\r\n"),
    "nntp": (b"200 a.example ready\r\n", b"500 What?\r\n", b"STARTTLS\r\n", b"382 Begin TLS\r\n"),
}
RULES = ("{rule: app, is: tls, action: DROP}", "{rule: fact, name: tls.sni, is: a.example, action: DROP}")


@pytest.mark.parametrize("rule", RULES, ids=["app", "sni"])
@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("first", FIRST)
def test_tls_behind_a_line_of_another_protocol_is_dropped(first, server, rule):
    greeting, refusal, asks, granted = SERVERS[server]
    talk = conversation().server(greeting) if greeting else conversation()
    talk = talk.client(FIRST[first]).server(refusal).client(asks).server(granted)
    talk = talk.client(client_hello("a.example")).server(server_hello())
    lab = engine(f"version: 1\nplugins: [rules, stream, protocols]\nchains: {{INPUT: [{rule}]}}\ndefault: ACCEPT\n")
    assert [verdict.action.value for verdict in lab.send(talk)][-2:] == ["drop", "drop"]


def test_an_upload_with_a_hello_in_it_stays_what_it_is():
    talk = conversation().client(b"PUT /a.pcap HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n")
    talk = talk.client(bytes(100) + client_hello("a.example")).client(bytes(800))
    lab = engine(f"version: 1\nplugins: [rules, stream, protocols]\nchains: {{INPUT: [{RULES[0]}]}}\ndefault: ACCEPT\n")
    assert {verdict.action.value for verdict in lab.send(talk)} == {"accept"}
