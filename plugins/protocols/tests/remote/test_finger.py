"""Finger: a query and a reply of the customary form."""

from pywall_protocols.remote import finger

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    finger,
    positives=[
        (b"bob\r\n", b"Login: bob           \t\t\tName: Bob\r\nDirectory: /home/bob\r\n"),
        (b"\r\n", b"No one logged on.\r\n"),
        (b"/W bob@a.example\r\n", b"Login name: bob\r\n"),
    ],
    negatives=[
        (b"bob\r\n", b"Logic is a fine thing to have\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", b"Login: required for this page\r\n"),
    ],
)


def test_facts(ask):
    assert ask(finger, b"bob\r\n", b"Login: bob\r\n") == Match("finger", {"query": "bob"})


def test_a_query_alone_waits(ask):
    assert ask(finger, b"bob\r\n") is MORE
