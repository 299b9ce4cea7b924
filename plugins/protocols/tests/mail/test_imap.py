"""IMAP: greetings, tagged commands, STARTTLS."""

from pywall_protocols.mail import imap

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    imap,
    positives=[
        (b"a1 LOGIN bob secret\r\na2 SELECT INBOX\r\n", b"* OK IMAP4rev1 ready\r\na1 OK done\r\n"),
        (b"a CAPABILITY\r\n", b""),
        (b". STARTTLS\r\n\x16\x03\x01", b"* OK ready\r\n. OK go\r\n\x16\x03\x03"),
        (b"", b"* OK [CAPABILITY IMAP4rev1] hello\r\n"),
        (b"x NOOP\r\n", b"* PREAUTH hello\r\n"),
    ],
    negatives=[
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"a CAPABILITY that nobody has\r\n", b"* OKAY then\r\n"),
        (b"*1\r\n$4\r\nPING\r\n", b"*1\r\n+OK\r\n"),
        (b"the quick brown fox\r\n", b"* a bullet\r\n"),
    ],
)


def test_facts(ask):
    match = ask(imap, b'a LOGIN "bob" secret\r\nb SELECT INBOX\r\n', b"* OK IMAP4 ready\r\na OK\r\n")
    assert match == Match("imap", {"user": "bob", "banner": "OK IMAP4 ready"})


def test_starttls_takes_the_reply_of_its_own_tag(ask):
    client = b"a1 CAPABILITY\r\na2 STARTTLS\r\n\x16\x03\x01"
    server = b"* OK IMAP4\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 OK begin\r\n\x16\x03\x03"
    match = ask(imap, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


def test_a_greeting_that_could_be_a_bullet_point_waits(ask):
    assert ask(imap, b"", b"* OK let us go\r\n") is MORE
