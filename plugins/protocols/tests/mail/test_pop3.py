"""POP3: greetings, commands, STLS behind answers of several lines."""

from pywall_protocols.mail import pop3

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    pop3,
    positives=[
        (b"USER a\r\nPASS b\r\nSTAT\r\n", b"+OK POP3 server ready\r\n+OK\r\n+OK\r\n+OK 2 320\r\n"),
        (b"CAPA\r\n", b""),
        (b"USER a\r\nPASS b\r\n", b"+OK hello\r\n+OK\r\n"),
        (b"", b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n"),
        (b"CAPA\r\nSTLS\r\n\x16\x03\x01", b"+OK POP3\r\n+OK list\r\nSTLS\r\n.\r\n+OK begin\r\n\x16\x03\x03"),
    ],
    negatives=[
        (b"*1\r\n$4\r\nPING\r\n", b"+OK\r\n"),
        (b"SET key 1\r\n", b"+OK\r\n"),
        (b"USER a\r\n", b"220 FTP ready\r\n"),
        (b"hello\r\n", b"+OKAY\r\n"),
        (b"top of the morning\r\n", b"-ERROR\r\n"),
    ],
)


def test_facts(ask):
    match = ask(pop3, b"USER bob\r\nPASS secret\r\n", b"+OK POP3 at your service\r\n+OK\r\n")
    assert match == Match("pop3", {"user": "bob", "banner": "POP3 at your service"})


def test_stls_is_found_behind_lists(ask):
    client = b"CAPA\r\nAUTH\r\nSTLS\r\n\x16\x03\x01"
    server = b"+OK POP3\r\n+OK list\r\nSTLS\r\n.\r\n-ERR no\r\n+OK begin\r\n\x16\x03\x03"
    match = ask(pop3, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


def test_refused_stls_stays(ask):
    assert ask(pop3, b"STLS\r\n", b"+OK POP3\r\n-ERR no\r\n").restart is None


def test_the_status_alone_waits(ask):
    assert ask(pop3, b"", b"+OK\r\n") is MORE
