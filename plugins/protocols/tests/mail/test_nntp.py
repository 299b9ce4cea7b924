"""NNTP: greetings, commands, STARTTLS."""

from pywall_protocols.mail import nntp

from pywall_core.api import Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    nntp,
    positives=[
        (b"MODE READER\r\nGROUP misc.test\r\n", b"200 news.example InterNetNews ready\r\n200 ok\r\n"),
        (b"CAPABILITIES\r\nSTARTTLS\r\n\x16", b"201 NNTP\r\n101 list\r\n.\r\n382 go\r\n\x16"),
        (b"AUTHINFO USER bob\r\n", b""),
        (b"GROUP misc.test\r\n", b"200 hello\r\n"),
    ],
    negatives=[
        (b"POST / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"EHLO a\r\n", b"220 ESMTP\r\n"),
        (b"Group photo of us\r\n", b"nice\r\n"),
    ],
)


def test_facts(ask):
    match = ask(nntp, b"GROUP misc.test\r\n", b"200 NNTP ready\r\n211 3 1 3 misc.test\r\n")
    assert match == Match("nntp", {"group": "misc.test", "banner": "NNTP ready"})


def test_starttls_hands_over(ask):
    client, server = b"STARTTLS\r\n\x16\x03\x01", b"200 NNTP\r\n382 go\r\n\x16\x03\x03"
    match = ask(nntp, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")
