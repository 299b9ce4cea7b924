"""Gopher: selectors and menus."""

from pywall_protocols.web import gopher

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

MENU = b"iWelcome\t\tnull.host\t1\r\n0About\t/about.txt\tgopher.example.org\t70\r\n.\r\n"

TestContract = detector_contract(
    gopher,
    positives=[
        (b"\r\n", MENU),
        (b"/docs\r\n", b"1Up\t/\tgopher.example.org\t70\t+\r\n"),
        (b"/search\tword\r\n", MENU),
    ],
    negatives=[
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"),
        (b"list\r\n", b"a\tb\tc\td\r\n"),
        (b"\x00\x01\r\n", MENU),
        (b"/docs\r\n", b"0one line of text\r\n"),
        (b"name\r\n", b"220 ready\r\n"),
    ],
    facts=[((b"/docs\r\n", MENU), {"selector": "/docs"})],
)


def test_a_selector_alone_is_no_name(ask):
    assert ask(gopher, b"/docs\r\n") is MORE
    assert ask(gopher, b"/docs\r\n", b"iWelcome\t") is MORE
    assert ask(gopher, b"/docs\r\n", b"hello\r\n") is NO
    assert ask(gopher, b"/docs\r\n", MENU) == Match("gopher", {"selector": "/docs"})
