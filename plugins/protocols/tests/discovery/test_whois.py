"""WHOIS: a line asked, fields answered."""

import pytest
from pywall_protocols.discovery import whois

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

#: of RFC 3912 section 2 the query, of IANA's server the beginning of the answer
ANSWER = (
    b"% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n\n"
    b"refer:        whois.verisign-grs.com\n"
)

TestWhois = detector_contract(
    whois,
    [
        (b"Smith\r\n", b"[whois]\r\nDomain Name: EXAMPLE.ORG\r\n"),
        (b"example.com\r\n", ANSWER),
    ],
    [
        (b"bob\r\n", b"Login: bob\r\nNo mail.\r\n" * 100),
        (NOISE, NOISE),
    ],
)


def test_a_second_line_proves_nothing(ask):
    assert not ask(whois, b"one\r\ntwo\r\n", ANSWER).confirmed


def test_facts(ask):
    assert ask(whois, b"example.com\r\n", ANSWER) == Match("whois", {"query": "example.com"})
    assert ask(whois, b"example.com\r\n") is MORE


@pytest.mark.parametrize("before", [b"", b"Welcome here\n", b"  \t", b"* a line\r\n\r\n   "])
def test_a_field_stands_at_the_beginning_of_a_line(ask, before):
    assert isinstance(ask(whois, b"example.com\r\n", before + b"Registrar.....: Example Ltd.\r\n"), Match)
    assert not isinstance(ask(whois, b"example.com\r\n", before + b"our Registrar: Example Ltd.\r\n"), Match)
    assert not isinstance(ask(whois, b"example.com\r\n", before + b"Registrar:\r\nExample Ltd.\r\n"), Match)
