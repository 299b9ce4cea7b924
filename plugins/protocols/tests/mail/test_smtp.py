"""SMTP: greetings, commands, STARTTLS, and what other protocols greet with."""

import pytest
from pywall_protocols.mail import smtp

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract

GREETING = b"220 mail.example ESMTP ready\r\n"
MAIL = (
    conversation().server(GREETING).client(b"EHLO client.example\r\n").server(b"250-mail.example\r\n250 SIZE 1000\r\n")
)
UPGRADE = (
    MAIL.client(b"STARTTLS\r\n").server(b"220 2.0.0 go ahead\r\n").client(b"\x16\x03\x01\x02\0").server(b"\x16\x03\x03")
)

TestContract = detector_contract(
    smtp,
    positives=[
        MAIL.client(b"MAIL FROM:<a@b.example> SIZE=20\r\n").server(b"250 ok\r\n"),
        UPGRADE,
        (b"EHLO client.example\r\n", b""),
        (b"", b"220-mx.example\r\n220-no spam\r\n220 mx.example ESMTP Exim\r\n"),
        (b"RSET\r\nhelo a.example\r\n", b"220 a.example ready\r\n250 ok\r\n"),
        (b"LHLO a.example\r\n", b"220 LMTP server\r\n"),
    ],
    negatives=[
        (b"USER a\r\nPASS b\r\n", b"220 ready\r\n331 password\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"Hello there, how are you\r\n", b"Fine, and you?\r\n"),
        (b"", b"220 ProFTPD 1.3 Server\r\n"),
        (b"MODE READER\r\n", b"200 news.example NNTP ready\r\n"),
    ],
)


def test_facts(ask):
    commands = b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"
    facts = {
        "helo": "client.example",
        "mail_from": "a@b.example",
        "rcpt_to": ["c@d", "e@f"],
        "banner": "mail.example ESMTP ready",
    }
    assert ask(smtp, commands, GREETING + b"250 mail.example\r\n") == Match("smtp", facts)


def test_a_greeting_and_a_command_without_an_answer_prove_nothing(ask):
    assert not ask(smtp, b"EHLO client.example\r\n", GREETING).confirmed
    assert not ask(smtp, b"EHLO client.example\r\n", GREETING + b"\x9f\x3b\r\n").confirmed
    assert ask(smtp, b"EHLO client.example\r\n", GREETING + b"250 mail.example\r\n").confirmed


def test_starttls_hands_over_where_tls_begins(ask):
    client, server = (
        b"".join(data for to_server, data in UPGRADE.turns() if to_server is side) for side in (True, False)
    )
    match = ask(smtp, client, server)
    assert client[match.restart[0] :] == b"\x16\x03\x01\x02\0"
    assert server[match.restart[1] :] == b"\x16\x03\x03"


def test_refused_starttls_stays_smtp(ask):
    match = ask(smtp, b"EHLO a\r\nSTARTTLS\r\n", GREETING + b"250 a\r\n454 not now\r\n")
    assert match.restart is None
    assert not match.done


def test_a_server_that_names_smtp_decides_whatever_the_client_sends(ask):
    assert ask(smtp, b"\xff\x00\x12noise", GREETING).protocol == "smtp"


@pytest.mark.parametrize("data", [b"E", b"EHLO", b"ehlo a", b"MAIL"])
def test_beginnings_are_open(ask, data):
    assert ask(smtp, data) is MORE


def test_text_from_both_sides_is_refused(ask):
    assert ask(smtp, b"The quick brown fox\r\n", b"jumps over\r\n") is NO


def test_a_server_that_passes_for_the_client(ask):
    assert isinstance(ask(smtp, GREETING, midstream=True), Match)
    assert not isinstance(ask(smtp, GREETING), Match)
    asked, told = b"EHLO a\r\nSTARTTLS\r\n\x16", GREETING + b"250-a\r\n250 STARTTLS\r\n220 go\r\n\x16"
    assert ask(smtp, told, asked, midstream=True).restart == ask(smtp, asked, told).restart[::-1]
