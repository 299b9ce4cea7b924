"""IRC: registration, server messages, STARTTLS."""

import pytest
from pywall_protocols.chat import irc

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    irc,
    positives=[
        (
            b"NICK bob\r\nUSER bob 0 * :Bob\r\nJOIN #a\r\n",
            b":irc.example NOTICE * :*** Looking up\r\n:irc.example 001 bob :Hi\r\n",
        ),
        (b"NICK bob\r\nJOIN #a\r\n", b":irc NOTICE AUTH :***\r\n"),
        (b"USER foo\nNICK foo\n", b""),
        (b"CAP LS 302\r\n", b""),
        (b"PING irc.example\r\n", b":irc.example PONG irc.example :irc.example\r\n"),
        (b"STARTTLS\r\n\x16\x03\x01", b":irc.example NOTICE * :hi\r\n:irc.example 670 bob :go\r\n\x16\x03\x03"),
    ],
    negatives=[
        (b"USER a\r\nPASS b\r\nLIST\r\n", b"+OK POP3 ready\r\n"),
        (b"USER a\r\nPASS b\r\n", b"220 FTP ready\r\n"),
        (b"PING\r\n", b"+PONG\r\n"),
        (b"PING hello\r\n", b"$5\r\nhello\r\n"),
        (b"Nick said hello\r\nthen left\r\n", b"and came back\r\n"),
        (b"cap multigraph dirtyconfig\n", b"cap multigraph dirtyconfig\n"),  # munin's
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)


def test_facts(ask):
    match = ask(irc, b"NICK bob\r\nUSER bobby 0 * :B\r\nJOIN #a\r\n", b":irc.example 001 bob :Welcome\r\n")
    assert match == Match("irc", {"nick": "bob", "user": "bobby", "server": "irc.example"})


def test_starttls_hands_over(ask):
    client, server = b"STARTTLS\r\n\x16\x03\x01", b":a.b NOTICE * :hi\r\n:a.b 670 x :go\r\n\x16\x03\x03"
    match = ask(irc, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


@pytest.mark.parametrize("line", [b"USER a\r\n", b"QUIT\r\n", b"PASS a\r\n"])
def test_commands_of_other_protocols_wait(ask, line):
    assert ask(irc, line) is MORE


def test_who_registers_says_text(ask):
    greeting = b":irc.example.org NOTICE AUTH :***\r\n"
    assert ask(irc, b"NICK me\r\nUSER j\xf6rg b c :d\r\n", greeting).confirmed
    for encoding in ("utf-8", "cp1251", "koi8-r"):
        nick = "NICK Вася\r\nUSER a b c :Вася\r\n".encode(encoding)
        assert ask(irc, nick, greeting).confirmed, encoding
    assert ask(irc, "NICK 太郎\r\nUSER a b c :d\r\n".encode("shift_jis"), greeting).confirmed
    answer = ask(irc, b"NICK b\xf0\xd5\xb4\x1a\x0e\rmE\x1d\x98B\xb6\n", greeting)
    assert not getattr(answer, "confirmed", False)
