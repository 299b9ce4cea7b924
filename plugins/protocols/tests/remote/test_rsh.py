"""rsh and rlogin."""

from pywall_protocols.remote import rsh

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    rsh,
    positives=[
        (b"1022\0bob\0root\0ls -l /tmp\0", b"\0total 4\n"),
        (b"1022\0bob\0root\0ls\0", b"\1Login incorrect.\n"),
        (b"0\0bob\0root\0ls\0", b""),
        (b"\0bob\0root\0xterm/38400\0", b"\0"),
        (b"\0bob\0root\0uptime\0", b"\0"),
    ],
    negatives=[
        (b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\0"),
        (b"12\0\x01\x02\0\x03\0\xff\0", b"\1\xff\xfe"),
        (b"1022 is a number\r\n", b"\1"),
        (b"\0bob\0root\0" + b"\xff" * 40, b"\0"),
        ("1024 lines of text".encode("utf-16-le"), b"\0"),
        ("0YWJjZA==".encode("utf-16-be"), b""),
    ],
)


def test_facts(ask):
    match = ask(rsh, b"1022\0bob\0root\0ls -l\0", b"\0")
    assert match == Match(
        "rsh", {"user": "bob", "server_user": "root", "command": "ls -l"}, confirmed=False, done=False
    )
    match = ask(rsh, b"\0bob\0root\0xterm/38400\0", b"\0")
    assert match == Match(
        "rlogin", {"user": "bob", "server_user": "root", "terminal": "xterm/38400"}, confirmed=False, done=False
    )


def test_fields_that_are_not_all_there_wait(ask):
    assert ask(rsh, b"1022\0bob\0ro") is MORE
    assert ask(rsh, b"1022\0bob\0\xff\0ls\0", b"\0") is NO
