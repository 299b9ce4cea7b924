"""MySQL: greetings, errors instead of them, handshake responses, TLS."""

import pytest
from pywall_protocols.databases import mysql

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


GREETING = packet(
    0,
    b"\x0a8.0.32\0"
    + b"\1\0\0\0"
    + b"saltsalt\0"
    + b"\xff\xff\x21\x02\0\xff\xdf\x15"
    + bytes(10)
    + b"morescramble\0mysql_native_password\0",
)
LOGIN = packet(1, b"\x85\xa6\xff\1" + b"\0\0\0\1\x21" + bytes(23) + b"bob\0" + b"\x00" + b"caching_sha2_password\0")
SSL = packet(1, b"\x85\xae\xff\1" + b"\0\0\0\1\x21" + bytes(23))
ERROR = packet(0, b"\xff\x6a\x04Host '192.0.2.1' is not allowed to connect to this MySQL server")

TestContract = detector_contract(
    mysql,
    positives=[
        (LOGIN, GREETING),
        (b"", GREETING),
        (LOGIN, b""),
        (SSL + b"\x16\x03\x01", GREETING + b"\x16\x03\x03"),
        (b"", ERROR),
        (LOGIN, packet(0, b"\x0a8.0.32 that does not end")),
    ],
    negatives=[
        (b"\x16\x03\x01\x02\0\1\0", b"\x16\x03\x03\0\x7a\2"),
        (b"EHLO a\r\n", b"220 ESMTP\r\n"),
        (
            packet(1, b"\x85\xa6\xff\1" + b"\0\0\0\1\x21" + b"x" * 23 + b"bob\0"),
            packet(0, b"\x0aversion eight\0" + b"x" * 40),
        ),
        (bytes(64), bytes(64)),
    ],
)


def test_facts(ask):
    assert ask(mysql, LOGIN, GREETING) == Match("mysql", {"version": "8.0.32", "user": "bob"})


def test_ssl_request_hands_over(ask):
    client, server = SSL + b"\x16\x03\x01", GREETING + b"\x16\x03\x03"
    match = ask(mysql, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


def test_what_a_server_passes_over_behind_an_ssl_request(ask):
    """MariaDB turns to TLS where the flag is set, however long the packet is."""
    longer = packet(1, SSL[4:] + b"root\0" + bytes(300))
    assert ask(mysql, longer + b"\x16\x03\x01", GREETING).restart == (len(longer), len(GREETING))
    assert ask(mysql, longer[:-1], GREETING).restart is None


def test_half_a_greeting_waits(ask):
    assert ask(mysql, b"", GREETING[:12]) is MORE


def test_an_error_is_judged_by_its_beginning(ask):
    assert ask(mysql, b"", ERROR[:16]).protocol == "mysql"
    assert ask(mysql, b"", ERROR[:20] + b"\xff\xfe").protocol == "mysql"


#: commands and answers of an open connection, as a recording of Open5GS has them
SET = b"\x11\0\0\0\3SET autocommit=0"
OK = bytes.fromhex("0700000100000000000000")
PREPARE = b"\x1b\0\0\0\x16select * from def where a=?"
COLUMNS = bytes.fromhex("0100000101 2c000002 03646566")


@pytest.mark.parametrize(("command", "answer"), [(SET, OK), (PREPARE, OK), (SET, COLUMNS), (b"\1\0\0\0\x0e", OK)])
def test_an_open_connection_is_told_by_a_command_and_its_answer(ask, command, answer):
    assert ask(mysql, command, answer, midstream=True).confirmed
    assert ask(mysql, command, answer) is NO
    refused = ask(mysql, command, b"HTTP/1.1 400 Bad Request\r\n", midstream=True)
    assert refused is NO or not refused.confirmed


def test_what_is_no_command(ask):
    for data in (b"\x11\0\0\0\3the text of a letter", b"\x11\0\0\1\3SET autocommit=0", bytes(40), b"\2\0\0\0\x0e\0"):
        assert ask(mysql, data, OK, midstream=True) is NO
    assert ask(mysql, SET[:6], b"", midstream=True) is MORE
    assert not ask(mysql, SET, b"\7\0\0\2" + OK[4:], midstream=True).confirmed
