"""Network News Transfer Protocol, by the greeting and the commands.

:checked: a greeting 200 or 201 that names NNTP or its servers; ``MODE READER`` and other commands of news alone; else
    a greeting and a command
:source: RFC 3977 sections 5 to 8, RFC 4643 (AUTHINFO), RFC 4642 (STARTTLS)
:minimum: the first line of one side
:facts: banner, group
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dialogue import (
    Verbs,
    commands_side,
    has_answer,
    lines,
    lines_before,
    replies,
    replies_of,
    switch,
    verb_of,
)
from ..parsing.evidence import HINT, Description, Evidence, server_first
from ..parsing.wire import text
from ..transactions.mail import NntpDialogue

api_version = 1
protocols = ("nntp",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = b"245"

_DECISIVE: Final = re.compile(
    rb"MODE (?:READER|STREAM)\s*$|AUTHINFO (?:USER|PASS|SASL|SIMPLE|GENERIC)|LIST (?:ACTIVE|NEWSGROUPS"
    rb"|OVERVIEW\.FMT|EXTENSIONS|HEADERS)"
    rb"|NEWGROUPS \d{6,8} \d{6}|NEWNEWS \S+ \d{6,8} \d{6}|XOVER [\d-]+\s*$|CHECK <|TAKETHIS <|IHAVE <|(?:ARTICLE"
    rb"|HEAD|BODY|STAT) <\S+>",
    re.I,
)
_VERBS: Final = Verbs(
    own=frozenset(
        b"GROUP LISTGROUP ARTICLE HEAD BODY STAT NEXT LAST CAPABILITIES LIST OVER XOVER HDR XHDR POST IHAVE DATE SLAVE "
        b"STARTTLS XZVER XFEATURE MODE AUTHINFO NEWGROUPS NEWNEWS CHECK TAKETHIS".split()
    ),
    shared=frozenset({b"QUIT", b"HELP"}),
)
_SERVER: Final = re.compile(
    rb"NNTP|InterNetNews|\bINN\b|NNRP|leafnode|usenet|\bnews\b|posting (?:ok|allowed|prohibited)", re.I
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NNTP; hand over to TLS behind STARTTLS."""
    proved = has_answer(lines(client), replies(server), flow.midstream)
    return server_first(
        "nntp", _client(client), _server(server), _describe, client, server, silent=not server, proved=proved
    )


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find STARTTLS whenever it comes."""
    return NntpDialogue.follow(flow)


def _describe(client: bytes, server: bytes) -> Description:
    commands = lines(client)
    answers = replies(server)
    facts: dict[str, Any] = {}
    restart = switch(commands, answers, lambda line: verb_of(line) == b"STARTTLS", 382)
    done = len(commands) >= 8
    for line in lines_before(commands, restart):
        if verb_of(line) == b"GROUP":
            facts["group"] = text(line[6:].strip())
            done = True
            break
    if answers:
        facts["banner"] = text(answers[0][1].strip())
    return Description(facts, done and bool(answers), restart)


def _client(data: bytes) -> Evidence:
    return commands_side(data, _DECISIVE, _VERBS)


def _server(data: bytes) -> Evidence:
    answers = replies_of(data)
    if isinstance(answers, Answer):
        return answers
    if not answers:
        return MORE if len(data) <= 512 else NO
    code, greeting, _ = answers[0]
    if code not in (200, 201, 400, 480, 502):
        return NO
    return YES if code < 300 and _SERVER.search(greeting) else HINT
