"""XMPP: stream headers and STARTTLS."""

from pywall_protocols.chat import xmpp

from pywall_core.api import MORE
from pywall_core.testing import detector_contract

CLIENT = b"<?xml version='1.0'?><stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
SERVER = (
    b"<stream:stream from='a.example' id='1' xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'>"
)
ASK = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
AGREE = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

TestContract = detector_contract(
    xmpp,
    positives=[
        (CLIENT, SERVER),
        (CLIENT, b""),
        (CLIENT + ASK + b"\x16\x03", SERVER + AGREE + b"\x16\x03"),
    ],
    negatives=[
        (b"<iq type='get' id='1'>", b"<html>"),
        (b"<?xml version='1.0'?><html><body>stream:stream</body></html>", b"<html>"),
        (b"<stream:stream xmlns='urn:other'>" + b" " * 3000, b""),
        (b"GET / HTTP/1.1\r\n\r\n", b"<?xml version='1.0'?><a/>"),
    ],
)


def test_facts(ask):
    assert ask(xmpp, CLIENT, SERVER).facts == {"to": "a.example"}


def test_starttls_hands_over(ask):
    client, server = CLIENT + ASK + b"\x16\x03\x01", SERVER + AGREE + b"\x16\x03\x03"
    match = ask(xmpp, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


def test_stanzas_of_both_sides_tell_a_connection_under_way(ask):
    query, result = b"<iq type='get' id='1' to='a.example'><ping/></iq>", b"<iq type='result' id='1'/>"
    assert ask(xmpp, query, result).protocol == "xmpp"
    assert ask(xmpp, query) is MORE


def test_a_declaration_alone_waits(ask):
    assert ask(xmpp, b"<?xml version='1.0'?>") is MORE
