"""PostgreSQL: start-up, TLS and its refusal, cancel requests."""

import pytest
from pywall_protocols.databases import pgsql

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

SSL = b"\0\0\0\x08\x04\xd2\x16\x2f"
GSSENC = b"\0\0\0\x08\x04\xd2\x16\x30"
CANCEL = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x71\x1a\x35\x0a\x9c\xf1"


def startup(parameters):
    body = b"\0\3\0\0" + b"".join(word + b"\0" for word in parameters) + b"\0"
    return (len(body) + 4).to_bytes(4, "big") + body


START = startup([b"user", b"bob", b"database", b"shop", b"application_name", b"psql"])
OK = b"R\0\0\0\x08\0\0\0\0"
DENIED = b"E\0\0\0\x30SFATAL\0C28000\0Mno pg_hba.conf entry\0\0"

TestContract = detector_contract(
    pgsql,
    positives=[
        (START, OK),
        (START, DENIED),
        (START, b""),
        (SSL + START, b"N" + OK),
        (SSL + b"\x16\x03\x01", b"S\x16\x03\x03"),
        (GSSENC + SSL + b"\x16\x03\x01", b"NS\x16\x03\x03"),
        (CANCEL, b""),
    ],
    negatives=[
        (b"\0\0\0\x20\0\3\0\0\xff\xfe\xfd\xfc\0", b""),
        (b"\0\0\0\x09\x04\xd2\x16\x2fx", b""),
        (bytes(32), bytes(32)),
        (b"\0\0\0\x2aDmdT", b"S"),
    ],
)


def test_facts(ask):
    assert ask(pgsql, START, OK) == Match("pgsql", {"user": "bob", "database": "shop", "application_name": "psql"})


@pytest.mark.parametrize(("client", "server"), [(SSL, b"S"), (GSSENC + SSL, b"NS")])
def test_ssl_request_hands_over(ask, client, server):
    assert ask(pgsql, client + b"\x16\x03", server + b"\x16\x03").restart == (len(client), len(server))


def test_refused_tls_reads_on(ask):
    match = ask(pgsql, SSL + START, b"N" + OK)
    assert match.restart is None
    assert match.facts["user"] == "bob"


def test_the_servers_single_letter_waits(ask):
    assert ask(pgsql, b"", b"N") is MORE


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


QUERY = message(b"Q", b"select 1;\0")
ROWS = message(b"T", b"\0\1a\0" + bytes(18)) + message(b"D", b"\0\1\0\0\0\1x") + message(b"C", b"SELECT 1\0")
READY = message(b"Z", b"I")


def test_from_the_middle_a_query_and_its_end_confirm(ask):
    assert ask(pgsql, QUERY, ROWS + READY, midstream=True).confirmed
    assert ask(pgsql, message(b"P", b"s1\0select $1\0\0\0"), message(b"1", b"") + READY, midstream=True).confirmed
    assert not ask(pgsql, QUERY, ROWS, midstream=True).confirmed
    assert not ask(pgsql, QUERY, b"", midstream=True).confirmed
    assert ask(pgsql, QUERY[:9], READY, midstream=True) is MORE
    assert ask(pgsql, QUERY, ROWS + READY) is NO, "its start was seen, and was none"


@pytest.mark.parametrize(
    "other",
    [
        b"QUIT\r\nmore\r\n",
        b"POST / HTTP/1.1\r\n",
        message(b"Q", b"\1\2\3\0"),
        message(b"Q", b"no end"),
        message(b"Q", b"a\0b\0"),
    ],
)
def test_what_begins_with_a_letter_of_it_is_none(ask, other):
    assert ask(pgsql, other, READY, midstream=True) is NO
