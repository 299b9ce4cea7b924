"""PostgreSQL: start-up, TLS and its refusal, cancel requests."""

import pytest
from pywall_protocols.databases import pgsql

from pywall_core.api import MORE, Match
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
