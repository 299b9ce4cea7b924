"""Lines, numeric replies, the offsets of STARTTLS."""

import re

import pytest
from pywall_protocols.parsing import dialogue
from pywall_protocols.parsing.evidence import HINT, LEANING

from pywall_core.api import MORE, NO, YES


def test_lines_end_at_lf_or_crlf_and_the_rest_is_left():
    assert dialogue.lines(b"EHLO a\r\nQUIT\nMAI") == ((b"EHLO a", 8), (b"QUIT", 13))


def test_a_line_that_is_too_long_ends_the_search():
    assert dialogue.lines(b"a" * 2000 + b"\r\nQUIT\r\n") == ()


def test_replies_join_their_lines():
    data = b"220-first\r\n 220 not the end\r\n220 last\r\n250 ok\r\n331"
    assert [(code, end) for code, _, end in dialogue.replies(data)] == [(220, 39), (250, 47)]


def test_replies_stop_at_what_is_none():
    assert dialogue.replies(b"220 a\r\n2x0 b\r\n250 c\r\n") == ((220, b"a", 7),)


@pytest.mark.parametrize(
    ("data", "possible"),
    [(b"", True), (b"2", True), (b"220", True), (b"220-", True), (b"220a", False), (b"920 ", False)],
)
def test_may_be_code(data, possible):
    assert dialogue.may_be_code(data) is possible


def test_switch_takes_the_reply_of_the_command():
    commands = dialogue.lines(b"EHLO a\r\nSTARTTLS\r\n\x16\x03\x01")
    answers = dialogue.replies(b"220 a\r\n250-a\r\n250 b\r\n220 go\r\n\x16\x03\x03")
    assert dialogue.switch(commands, answers, lambda line: line == b"STARTTLS", 220) == (18, 29)


def test_switch_is_none_when_the_server_refuses():
    commands = dialogue.lines(b"STARTTLS\r\nQUIT\r\n")
    answers = dialogue.replies(b"220 a\r\n454 no\r\n221 bye\r\n")
    assert dialogue.switch(commands, answers, lambda line: line == b"STARTTLS", 220) is None


def test_verbs_begin_in_either_case_and_behind_blanks():
    verbs = dialogue.Verbs(frozenset({b"USER", b"XOVER"}), frozenset({b"QUIT"}))
    assert [verbs.begin(data) for data in (b"", b" user", b"qu", b"EHLO")] == [True, True, True, False]
    assert [verbs.may_begin(data) for data in (b"xov", b"QUIT now", b"QUITE ")] == [True, True, False]


@pytest.mark.parametrize(
    ("data", "evidence"),
    [
        (b"", MORE),
        (b"US", MORE),
        (b"EHLO a\r\n", NO),
        (b"QUIT\r\nUS", MORE),
        (b"USER a\r\n", LEANING),
        (b"USER a\r\nFOO\r\n", HINT),
        (b"QUIT\r\nFOO\r\n", NO),
        (b"USER a\r\nXOVER 1\r\n", YES),
    ],
)
def test_commands_are_evidence(data, evidence):
    verbs = dialogue.Verbs(frozenset({b"USER", b"XOVER"}), frozenset({b"QUIT"}))
    assert dialogue.commands_side(data, re.compile(rb"XOVER \d"), verbs) is evidence


def test_lines_before_tls_are_the_protocol_s():
    commands = dialogue.lines(b"EHLO a\r\nSTARTTLS\r\nMAIL\r\n")
    assert list(dialogue.lines_before(commands, (18, 29))) == [b"EHLO a"]
    assert list(dialogue.lines_before(commands, None)) == [b"EHLO a", b"STARTTLS", b"MAIL"]


def test_a_server_without_codes_has_no_replies():
    assert dialogue.replies_of(b"") is MORE
    assert dialogue.replies_of(b"SSH-2.0-x") is NO
    assert dialogue.replies_of(b"220") == ()
    assert dialogue.replies_of(b"220 a\r\n") == ((220, b"a", 7),)
