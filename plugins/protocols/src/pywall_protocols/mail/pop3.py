"""Post Office Protocol 3, by the status of the greeting and the commands.

:checked: a greeting ``+OK`` that names POP or carries an APOP timestamp; a command of POP3 alone (``CAPA``, ``UIDL``,
    ``APOP``); else a status line and a command
:source: RFC 1939 sections 3 to 7 and 9, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (AUTH)
:minimum: the first line of one side
:facts: user, banner
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dialogue import Line, Verbs, lines, verb_of
from ..parsing.evidence import HINT, LEANING, Description, Evidence, server_first
from ..parsing.wire import has_no_controls, text
from ..transactions.mail import Pop3Dialogue

api_version = 1
protocols = ("pop3",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = b"+-"

_COMMAND: Final = re.compile(
    rb"(?:USER .+|PASS .+|STAT|LIST(?: \d+)?|RETR \d+|DELE \d+|RSET|NOOP|QUIT|LANG(?: .+)?|UTF8"
    rb"|AUTH(?: [A-Z0-9_-]{3,20}(?: \S+)?)?"
    rb"|XTND .+|XSENDER .*)\s*$",
    re.I,
)
_DECISIVE: Final = re.compile(rb"(?:CAPA|STLS|UIDL(?: \d+)?|TOP \d+ \d+|APOP \S+ [0-9a-fA-F]{32})\s*$", re.I)
_SHARED: Final = frozenset({b"QUIT", b"NOOP", b"RSET"})
_VERBS: Final = Verbs(
    frozenset(
        b"USER PASS STAT LIST RETR DELE RSET NOOP QUIT LANG UTF8 AUTH CAPA STLS UIDL TOP APOP XTND XSENDER".split()
    )
)
_SERVER: Final = re.compile(rb"\+OK.*(?:\bPOP|POP3|dovecot|courier|cyrus|qpopper|<[^<>@ ]+@[^<>@ ]+>)", re.I)
_LISTS: Final = re.compile(rb"(?:CAPA|AUTH|LIST|UIDL|RETR .*|TOP .*)\s*$", re.I)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect POP3; hand over to TLS behind STLS."""
    commands = lines(client)
    statuses = [line.startswith((b"+OK", b"-ERR", b"+ ")) for line, _ in lines(server, 2)]
    proved = bool(commands) and has_no_controls(commands[0][0]) and statuses[0 if flow.midstream else 1 :][:1] == [True]
    return server_first(
        "pop3", _client(client), _server(server), _describe, client, server, silent=not server, proved=proved
    )


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find STLS whenever it comes."""
    return Pop3Dialogue.follow(flow)


def _describe(client: bytes, server: bytes) -> Description:
    commands = lines(client)
    facts: dict[str, Any] = {}
    restart = _stls(commands, server)
    done = len(commands) >= 16
    for line, end in commands:
        verb = verb_of(line)
        if verb == b"USER" or verb == b"APOP":
            facts["user"] = text(line.split()[1] if len(line.split()) > 1 else b"")
        if restart and end == restart[0]:
            break
        if verb in (b"PASS", b"STAT", b"APOP", b"QUIT"):
            done = True
            break
    greeting = lines(server, 1)
    if greeting and greeting[0][0].startswith(b"+OK"):
        facts["banner"] = text(greeting[0][0][3:].strip())
    return Description(facts, done and bool(greeting), restart)


def _client(data: bytes) -> Evidence:
    if not data:
        return MORE
    if not _VERBS.begin(data):
        return NO
    commands = lines(data)
    at = seen = 0
    for line, end in commands:
        if _DECISIVE.match(line):
            return YES
        if not _COMMAND.match(line):
            return HINT if seen else NO
        seen = seen or verb_of(line) not in _SHARED
        at = end
    if len(commands) >= 16:
        return HINT if seen else NO
    if seen:
        return LEANING
    return MORE if _VERBS.may_begin(data[at:]) else NO


def _server(data: bytes) -> Evidence:
    if not data:
        return MORE
    for status in (b"+OK", b"-ERR"):
        if data.startswith(status):
            line = data[: data.find(b"\n") + 1]
            if data[len(status) : len(status) + 1].strip():
                return NO
            if _SERVER.match(line):
                return YES
            return HINT if line else LEANING
        if status.startswith(data):
            return MORE
    return NO


def _stls(commands: Sequence[Line], server: bytes) -> tuple[int, int] | None:
    """Return the offsets behind STLS and behind its ``+OK``: every command before it has one answer, some of several
    lines.
    """
    greeting = server.find(b"\n") + 1
    at = greeting
    if not greeting:
        return None
    for line, end in commands:
        last = server.find(b"\n", at) + 1
        if not last:
            return None
        positive = server.startswith(b"+OK", at)
        if verb_of(line) == b"STLS" and positive:
            return end, last
        if positive and _LISTS.match(line):
            last = server.find(b"\n.\r\n", last - 1) + 4
            if last < 4:
                return None
        at = last
    return None
